"""A real Prefect server and the desk of the ingest process: zones are deployments, runs come from everywhere, none is lost."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import DeploymentStatus, FlowRun, State, StateType
from prefect.client.schemas.schedules import CronSchedule
from prefect.states import Cancelled, Scheduled

from flows.deployments import AUTOMATION, CHANGED, POOL
from flows.runs import Runs
from rag.errors import Permanent, Temporary
from rag.types import Receipt, now
from rag.types import State as FileState
from tests.real.office import Office, make_desk

ROOT = Path(__file__).resolve().parents[2]


async def test_every_zone_has_a_deployment_and_goes_with_it(office: Office) -> None:
    """One run at a time, those that come meanwhile wait, a schedule; and a second start writes nothing anew."""
    first = await office.deployment(office.names[0])
    assert first.parameters == {"zone": office.names[0]}
    assert first.global_concurrency_limit.limit == 1
    assert first.concurrency_options.collision_strategy == "ENQUEUE"
    assert first.schedules[0].schedule.interval.total_seconds() == 300
    assert first.work_pool_name == POOL
    office.desk = make_desk(office)
    await office.settle()
    assert (await office.deployment(office.names[0])).updated == first.updated
    office.names = office.names[:1]
    await office.serve()
    assert [d.name for d in await office.client.read_deployments()] == [office.names[0]] * 2


async def test_deployments_count_as_served_while_a_run_takes_hours(office: Office) -> None:
    """By the beat alone, without anybody who claims runs."""
    served = await office.deployment(office.names[0])
    new = await office.client.create_deployment(served.flow_id, "new", parameters={"zone": "new"}, work_pool_name=POOL)
    assert (await office.client.read_deployment(new)).status is DeploymentStatus.NOT_READY
    await Runs(office.client).beat()
    for _ in range(600):
        if (await office.client.read_deployment(new)).status is DeploymentStatus.READY:
            return
        await asyncio.sleep(0.1)
    pytest.fail("nobody said that it is served")


async def test_a_run_that_a_person_starts_is_executed_here(office: Office) -> None:
    """By the API that Prefect's UI uses, with a parameter; its state is told to the server."""
    deployment = await office.deployment(office.names[1])
    run = await office.client.create_flow_run_from_deployment(deployment.id, parameters={"retry": True})
    await office.settle()
    assert office.swept == [office.names[1]]
    assert (await office.client.read_flow_run(run.id)).state_type is StateType.COMPLETED


async def test_the_weekly_report_is_a_deployment_that_people_may_change(office: Office) -> None:
    """On Mondays in the same pool; a pause and another schedule survive a start of ours, and who asks gets one at once."""
    first = await office.deployment(office.names[0], "weekly report")
    (monday,) = first.schedules
    assert (monday.schedule.cron, monday.schedule.timezone, first.work_pool_name) == ("0 5 * * 1", "UTC", POOL)
    await office.client.pause_deployment(first.id)
    await office.client.delete_deployment_schedule(first.id, monday.id)
    await office.client.create_deployment_schedules(first.id, [(CronSchedule(cron="0 7 * * 5", timezone="UTC"), True)])
    office.desk = make_desk(office)
    await office.settle()
    kept = await office.deployment(office.names[0], "weekly report")
    assert (kept.paused, [one.schedule.cron for one in kept.schedules]) == (True, ["0 7 * * 5"])
    office.swept.clear()
    other = await office.deployment(office.names[1], "weekly report")
    asked = await office.client.create_flow_run_from_deployment(other.id)
    await office.settle()
    assert (office.reported, office.swept) == ([office.names[1]], [])
    assert (await office.client.read_flow_run(asked.id)).state_type is StateType.COMPLETED


async def test_reports_that_were_missed_are_one(office: Office) -> None:
    """The machine was off on two Mondays: one report at its start; one that fails for a while comes again soon."""
    deployment = await office.deployment(office.names[0], "weekly report")
    for days in (8, 1):
        at: State[Any] = Scheduled(scheduled_time=now() - timedelta(days=days))
        await office.client.create_flow_run_from_deployment(deployment.id, state=at)
    await office.settle()
    assert office.reported == [office.names[0]]
    office.outcome = Temporary("away", "Away.")
    await office.client.create_flow_run_from_deployment(deployment.id)
    await office.settle()
    assert StateType.SCHEDULED in {run.state_type for run in await office.runs(office.names[0], "weekly report")}


async def test_what_is_not_ours_in_the_pool_is_refused_and_left_alone(office: Office) -> None:
    """A person's own flow: no sweep runs under its name, its run says why, and the deployment stays."""
    theirs = await office.client.create_flow_from_name("theirs")
    deployment = await office.client.create_deployment(theirs, name="x", work_pool_name=POOL, parameters={"zone": "no"})
    run = await office.client.create_flow_run_from_deployment(deployment)
    office.desk = make_desk(office)
    await office.settle()
    ended = await office.client.read_flow_run(run.id)
    assert ended.state is not None
    assert (ended.state_type, "pool of its own" in (ended.state.message or "")) == (StateType.FAILED, True)
    assert "no" not in office.swept
    assert await office.client.read_deployment(deployment)


async def test_a_cancelled_run_never_keeps_its_zones_place(office: Office) -> None:
    """Before it began, when it was done already, when it failed, when the process died, and by a script that says outright
    that it is cancelled: it ends so, and the next one runs.
    """
    name = office.names[0]
    deployment = await office.deployment(name)
    cancelling: State[Any] = State(type=StateType.CANCELLING)

    async def cancel(to: State[Any] = cancelling) -> None:
        office.meanwhile = None
        (running,) = [run for run in await office.runs(name) if run.state_type is StateType.RUNNING]
        await office.client.set_flow_run_state(running.id, to)

    async def cancelled(made: FlowRun) -> bool:
        return (await office.client.read_flow_run(made.id)).state_type is StateType.CANCELLED

    async def ask() -> FlowRun:
        return await office.client.create_flow_run_from_deployment(deployment.id)

    late, office.meanwhile = await ask(), cancel
    await office.settle()
    assert await cancelled(late)
    failing, office.meanwhile, office.outcome = await ask(), cancel, Permanent("bad", "Bad.")
    await office.settle()
    office.outcome = None
    assert await cancelled(failing)
    outright, office.meanwhile, office.looks = await ask(), lambda: cancel(Cancelled()), True
    await office.settle()
    assert await cancelled(outright)
    assert len(office.swept) == 3

    early = await ask()
    claimed = await office.desk.runs.claim()
    assert claimed is not None
    await office.client.set_flow_run_state(early.id, cancelling)
    await office.desk._execute(claimed)
    assert await cancelled(early)
    assert len(office.swept) == 3

    left = await ask()
    assert (await office.desk.runs.claim()).id == left.id
    await office.client.set_flow_run_state(left.id, cancelling)
    office.desk = make_desk(office)
    office.swept.clear()
    await office.settle()
    assert await cancelled(left)
    assert sorted(office.swept) == sorted(office.names)


async def test_a_hint_becomes_a_run_by_the_automation_and_many_become_one(office: Office) -> None:
    """The server's own automation makes it; a hundred hints before it begins are one run."""
    assert await office.client.read_automations_by_name(AUTOMATION)
    office.desk._changes._clock = Clock()  # stands: nobody loses patience with a busy server
    for _ in range(100):
        await office.desk._changes.hint({office.names[0]})
    await office.settle()
    assert office.swept == [office.names[0]]
    (made,) = [run for run in await office.runs(office.names[0]) if run.created_by]
    assert made.created_by.type == "AUTOMATION"


async def test_a_change_during_a_run_is_swept_after_it(office: Office) -> None:
    """The last change of many is never lost to the debounce."""

    async def change() -> None:
        office.meanwhile = None
        office.desk._owed.add(office.names[0])

    office.meanwhile = change
    await office.settle(office.names[0])
    assert office.swept == [office.names[0]] * 2


async def test_requests_that_wait_are_covered_by_one_run(office: Office) -> None:
    """Three persons ask for the same: one run, and the others read that it does the same. Another wish is another run."""
    deployment = await office.deployment(office.names[0])
    for parameters in ({}, {}, {}, {"confirm_deletions": True}):
        await office.client.create_flow_run_from_deployment(deployment.id, parameters=parameters)
    await office.settle()
    assert office.swept == [office.names[0]] * 2
    assert (await office.states(office.names[0])).count(StateType.CANCELLED) == 2


async def test_an_event_that_led_to_nothing_is_insisted_on_once(office: Office) -> None:
    """The automation is off: the run comes all the same, by our own request; and a paused pool is not flooded."""
    (automation,) = await office.client.read_automations_by_name(AUTOMATION)
    await office.client.pause_automation(automation.id)
    try:
        office.desk._changes._clock = clock = Clock()
        await office.serve(office.names[0])
        for _ in range(5):
            clock.now += 15
            await office.desk._changes.insist()
        await office.settle()
        assert office.swept == [office.names[0]]
    finally:
        await office.client.resume_automation(automation.id)


async def test_what_a_killed_process_left_running_does_not_hold_the_place(office: Office) -> None:
    """The next process ends it and sweeps."""
    deployment = await office.deployment(office.names[0])
    left = await office.client.create_flow_run_from_deployment(deployment.id)
    assert (await office.desk.runs.claim()).id == left.id
    office.desk = make_desk(office)
    await office.settle()
    assert (await office.client.read_flow_run(left.id)).state_type is StateType.CRASHED
    assert sorted(office.swept) == sorted(office.names)


@pytest.mark.parametrize("by", ["zone", "person"])
async def test_what_was_left_running_in_a_deployment_that_is_gone_stops_nobody(office: Office, by: str) -> None:
    """Its zone was removed before the next start, or a person has deleted the deployment: the others are swept."""
    deployment = await office.deployment(office.names[0])
    left = await office.client.create_flow_run_from_deployment(deployment.id)
    assert (await office.desk.runs.claim()).id == left.id
    if by == "zone":
        office.names = office.names[1:]
    else:
        await office.client.delete_deployment(deployment.id)
    office.desk = make_desk(office)
    await office.settle()
    assert sorted(office.swept) == sorted(office.names)
    if by == "zone":
        assert (await office.client.read_flow_run(left.id)).state_type is StateType.CRASHED


async def test_runs_that_change_nothing_do_not_pile_up(office: Office) -> None:
    """Of ten that found nothing the first and the last stay; one that did something stays whatever comes after."""
    for number in range(10):
        if number == 5:
            office.outcome = (receipt(office.names[0]),)
        await office.desk._changes.ask(office.names[0])
        await office.settle()
        office.outcome = None
    assert len(office.swept) == 10
    assert len(await office.runs(office.names[0])) == 5


@pytest.mark.parametrize(("error", "again"), [(Temporary("away", "Away."), 1), (Permanent("bad", "Bad."), 0)])
async def test_only_temporary_trouble_is_tried_again_soon(office: Office, error: Exception, again: int) -> None:
    """A zone that is away comes back in half a minute; a settings file that cannot be read waits for its change."""
    office.outcome = error
    await office.settle(office.names[0])
    assert StateType.FAILED in await office.states(office.names[0])
    assert (await office.states(office.names[0])).count(StateType.SCHEDULED) == again


async def test_whatever_is_lost_in_the_server_is_made_anew(office: Office) -> None:
    """A person deletes the pool with all deployments: the next change brings them back."""
    await office.client.delete_work_pool(POOL)
    await office.settle(office.names[0])
    await office.settle()
    assert (await office.deployment(office.names[0])).parameters == {"zone": office.names[0]}
    assert office.names[0] in office.swept


async def test_a_schedule_that_makes_no_runs_is_stood_in_for(office: Office) -> None:
    """Whatever became of the clock in the server, each zone is swept; but a person's pause is a pause."""
    await office.client.pause_deployment((await office.deployment(office.names[1])).id)
    office.desk._clock = clock = Clock()
    clock.now = asyncio.get_running_loop().time() + 1000
    await office.settle()
    assert office.swept == [office.names[0]]


async def test_an_event_from_outside_runs_the_deployment_that_it_names(office: Office) -> None:
    """Another system that knows Prefect alone can send the event itself."""
    deployment: UUID = (await office.deployment(office.names[1])).id
    event = {
        "event": CHANGED, "occurred": "2026-01-01T00:00:00Z", "id": "1f5f57d6-5a4b-4f0a-8a4e-7e0a5e3f9f00",
        "resource": {"prefect.resource.id": "elsewhere"},
        "related": [{"prefect.resource.id": f"prefect.deployment.{deployment}", "prefect.resource.role": "deployment"}],
    }  # fmt: skip
    await office.client.request("POST", "/events", json=[event])
    while not office.swept:
        await office.settle()
    assert office.swept == [office.names[1]]


async def test_the_template_for_kubernetes_is_taken_by_the_server(office: Office) -> None:
    """With a deployment's own memory, and without an unknown variable."""
    template = json.loads((ROOT / "deploy" / "kubernetes" / "work-pool.json").read_text(encoding="utf-8"))
    made = await office.client.create_work_pool(
        WorkPoolCreate(name="k8s", type="kubernetes", base_job_template=template)
    )
    assert made.base_job_template["variables"] == template["variables"]
    await office.client.delete_work_pool("k8s")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def receipt(name: str) -> Receipt:
    return Receipt(
        zone=name, path="a.txt", document_id="d", version="v", state=FileState.indexed, code="indexed", chunks=1
    )


def test_the_paths_of_prefect_are_the_homes_own(tmp_path: Path) -> None:
    """The leases of runs lie in the instance's folder, not in the user's."""
    from beleg.up import environment
    from rag.settings import Settings

    told = environment(Settings(home=tmp_path))
    assert told["PREFECT_HOME"].startswith(str(tmp_path))
    assert told["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"].endswith("filesystem")
