"""The files and the database that a start needs, tried before any process is started: a fault is then one sentence."""

from __future__ import annotations

from rag.settings import Settings


async def require_sound(settings: Settings) -> None:
    """Raises what is wrong with database, policies, guard, use cases or endpoints. A second; loads no model."""
    from rag.adapters.guard.settings import read_guard_settings
    from rag.adapters.models.endpoints_file import open_endpoints
    from rag.compose import open_policy, open_state
    from rag.use_cases import read_prompt, read_use_cases

    open_policy(settings)
    read_guard_settings(settings.policies / "dlp" / "recognizers.yaml")
    for use_case in read_use_cases(settings.use_cases).values():
        read_prompt(settings.use_cases, use_case.prompt)
    for llm in open_endpoints(settings.endpoints) if settings.endpoints else []:
        await llm.aclose()
    async with open_state(settings) as state:
        await state.audit.ready()
