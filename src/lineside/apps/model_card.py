"""The card of a model: what somebody has to know before it judges parts, from its signed bundle and offer.

It is made of the manifest when it is asked for, so that it cannot say anything else than what was signed.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator

from lineside.adapters.bundle_folder import InService
from lineside.domain.plan.budget import false_alarms
from lineside.domain.plan.model import Plan
from lineside.domain.units import SECOND
from lineside.learn.software import versions
from lineside.wire.bundle import SOFTWARE, Bundle, manifest_digest


def model_card(plan: Plan, bundle: Bundle, service: InService | None) -> str:
    """Return the card as Markdown; ``service`` is what is in service at its place, if anything."""
    return "\n".join(_lines(plan, bundle, service)) + "\n"


def _lines(plan: Plan, bundle: Bundle, service: InService | None) -> Iterator[str]:
    manifest, training = bundle.manifest, bundle.manifest.training
    yield f"# Model card: {bundle.name}"
    yield ""
    yield "## Use"
    yield ""
    yield f"- Judges **{manifest.characteristic}** at station {manifest.station}, one part after the other."
    yield f"- Valid for line {manifest.line} of site {manifest.site}, plan revision {manifest.plan_revision} (judging "
    yield f"  digest {manifest.plan_digest}), recipe {manifest.recipe}; a gateway with another plan refuses it."
    yield "- Advises people; it writes nothing to a machine, and ranks nobody."
    yield f"- {_experience(bundle)}"
    yield ""
    yield "## Learned from"
    yield ""
    yield f"- {training.rows:,} parts, {training.nonconforming:,} of them nonconforming, made {_day(training.first)} to"
    yield f"  {_day(training.last)}; {training.calibration_rows:,} more set the limit."
    if training.older:
        yield f"- {training.older}."
    yield f"- Data version {training.data_version}."
    yield f"- Label quality: left out {_dropped(bundle)}."
    yield f"- Family {manifest.family}, chosen because {training.reason}. Seed {training.seed}."
    yield ""
    yield "## What it showed"
    yield ""
    yield f"By {training.scheme}:"
    yield ""
    yield from (f"- {name.replace('_', ' ')}: {value:.4g}" for name, value in sorted(training.metrics.items()))
    yield from (f"- In conditions never shown: {text}" for text in training.regimes)
    yield f"- Expected false alarms: {_false_alarms(plan, bundle)}."
    yield ""
    yield "## Return"
    yield ""
    yield f"- {_return(bundle, service)}"
    yield ""
    yield "## Made with"
    yield ""
    yield f"- Lineside {training.code_version} on {_day(training.trained)}; {_software(bundle)}."
    yield f"- Bundle digest {manifest_digest(manifest)}."


def _experience(bundle: Bundle) -> str:
    if bundle.manifest.experience is None:
        return "It does not say what is outside of its experience."
    return "Outside of the conditions it has seen it says so, and gives no verdict."


def _dropped(bundle: Bundle) -> str:
    found = [f"{count:,} {reason}" for reason, count in bundle.manifest.training.dropped.items() if count]
    return ", ".join(found) or "nothing"


def _false_alarms(plan: Plan, bundle: Bundle) -> str:
    manifest = bundle.manifest
    budget = false_alarms(plan, plan.characteristic(manifest.characteristic))
    rate = f"at most {manifest.training.guaranteed_rate:.3%} of conforming parts (guaranteed for parts like these)"
    parts = budget.shift_parts
    if parts is None:
        return rate
    return f"{rate}, {manifest.training.guaranteed_rate * parts:.2g} a shift of {parts:.0f} parts"


def _return(bundle: Bundle, service: InService | None) -> str:
    if service is None or service.offer is None or service.bundle.name != bundle.name:
        return "Not in service; what to return to is signed when it is offered."
    back = service.offer.fallback_digest
    return (
        f"Returns to the bundle of digest {back[:12]}…" if back else "There is no model to return to: it stops judging."
    )


def _software(bundle: Bundle) -> str:
    if SOFTWARE not in bundle.files:
        return "the bundle brings no bill of materials"
    return f"{len(versions(json.loads(bundle.files[SOFTWARE])))} components in its bill of materials (CycloneDX)"


def _day(nanoseconds: int) -> str:
    return dt.datetime.fromtimestamp(nanoseconds // SECOND, tz=dt.UTC).date().isoformat()
