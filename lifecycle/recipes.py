"""A recipe's content, its hash, and how two recipes differ. Pure.

Two recipes with the same id answer alike; whatever could change an answer and is ours to choose is in the content.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence

from rag.errors import Permanent
from rag.types import Prompt, Recipe, RetrievalSettings


def make_recipe(
    *,
    use_case: str,
    endpoints: Sequence[str],
    prompt: Prompt,
    retrieval: RetrievalSettings,
    index_profile: str,
    policy_revision: str,
    guard_revision: str,
) -> Recipe:
    """The recipe with its id. `endpoints` keep their order: it is the order of trial within a class."""
    draft = Recipe(
        id="",
        use_case=use_case,
        endpoints=tuple(endpoints),
        prompt=prompt,
        retrieval=retrieval,
        index_profile=index_profile,
        policy_revision=policy_revision,
        guard_revision=guard_revision,
    )
    return dataclasses.replace(draft, id=recipe_id(draft))


def over_index(recipe: Recipe, profile: str) -> Recipe:
    """The same recipe, answered from another index."""
    moved = dataclasses.replace(recipe, index_profile=profile)
    return dataclasses.replace(moved, id=recipe_id(moved))


def recipe_id(recipe: Recipe) -> str:
    """sha256 over the canonical content, hex. `recipe.id` itself does not count."""
    return _sha256(recipe_content(recipe))


def recipe_content(recipe: Recipe) -> str:
    """Canonical JSON: sorted keys, no spaces. The template goes in by its full digest, and is stored beside it."""
    content = {
        "use_case": recipe.use_case,
        "endpoints": list(recipe.endpoints),
        "prompt": {
            "name": recipe.prompt.name,
            "version": recipe.prompt.version,
            "sha256": _sha256(recipe.prompt.template),
        },
        "retrieval": dataclasses.asdict(recipe.retrieval),
        "index_profile": recipe.index_profile,
        "policy_revision": recipe.policy_revision,
        "guard_revision": recipe.guard_revision,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def recipe_from(content: str, *, id: str, template: str) -> Recipe:  # noqa: A002  # the noun's own word
    """The stored recipe. Raises `Permanent("recipe.changed")` unless content and template still have their hashes.

    What is hashed is the stored text: a setting that a later version adds does not change old recipes.
    """
    try:
        shape = json.loads(content)
        if _sha256(content) != id or shape["prompt"]["sha256"] != _sha256(template):
            raise _changed(id)
        return Recipe(
            id=id,
            use_case=shape["use_case"],
            endpoints=tuple(shape["endpoints"]),
            prompt=Prompt(name=shape["prompt"]["name"], version=shape["prompt"]["version"], template=template),
            retrieval=RetrievalSettings(**shape["retrieval"]),
            index_profile=shape["index_profile"],
            policy_revision=shape["policy_revision"],
            guard_revision=shape["guard_revision"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _changed(id) from error


def differences(before: Recipe, after: Recipe) -> list[str]:
    """One readable line per setting that differs, e.g. `retrieval.limit: 8 → 12`. Empty = they answer alike."""
    left, right = _flat(before), _flat(after)
    return [
        f"{name}: {left.get(name, 'unset')} → {right.get(name, 'unset')}"
        for name in sorted(left | right)
        if left.get(name) != right.get(name)
    ]


def _flat(recipe: Recipe) -> dict[str, str]:
    shape = json.loads(recipe_content(recipe))
    flat: dict[str, str] = {}
    for name, value in shape.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": str(v) for inner, v in value.items() if inner != "sha256"}
        else:
            flat[name] = ", ".join(value) if isinstance(value, list) else str(value)
    return flat


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _changed(recipe: str) -> Permanent:
    return Permanent(
        "recipe.changed",
        f"The stored recipe {recipe[:12]} is not the one that was released.",
        hint="Someone changed it in the database. Restore a backup, or create the release anew.",
    )
