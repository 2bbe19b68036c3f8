"""PDF → text with a box per line, by pdfium. Runs in the parsing child alone: pdfium is not thread-safe, and may crash.

words → rules → grid        what stands on a page, and the tables that are drawn with lines
columns → aligned           the order in which it is read, and the tables that are not
running → prose → joining   the whole document: running heads, headings, paragraphs, lists, words cut at line ends
"""

from rag.adapters.parsers.pdf.parse import MEDIA_TYPE, parse

__all__ = ["MEDIA_TYPE", "parse"]
