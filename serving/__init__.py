"""The HTTP skin: who asks, OpenAI's shapes, the chat page. Decides nothing that the chain decides."""
