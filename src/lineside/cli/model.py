"""`lineside model`: which models are in service, and the signed offers that put them there."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineside.adapters.bundle_folder import BundleFolder, InService
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.layout import Layout
from lineside.apps.model_card import model_card
from lineside.apps.plant.evidence import kept_bundle
from lineside.apps.releasing import offer_checked, signing_folder
from lineside.cli.options import data_option, plan_option
from lineside.domain.errors import InputError
from lineside.domain.plan.model import Plan
from lineside.domain.units import DAY, SECOND
from lineside.wire.bundle import SOFTWARE, Bundle, unpack_bundle
from lineside.wire.offers import Offer

if TYPE_CHECKING:
    from lineside.adapters.mlflow_registry import MlflowRegistry

_above_option = click.option(
    "--above",
    default=0,
    metavar="VERSION",
    help="Number the offer above this too, where gateways have seen offers that this folder has lost.",
)
_days_option = click.option(
    "--days", default=90, show_default=True, type=click.IntRange(1, 3650), help="How long the offer may be taken."
)


_mlflow_option = click.option(
    "--mlflow", required=True, envvar="MLFLOW_TRACKING_URI", metavar="URI", help="https://... or sqlite:///FILE."
)


@click.group()
def command() -> None:
    """Show, sign and offer models to the gateways."""


@command.command("list")
@data_option
def list_models(data: Path) -> None:
    """List every model that is kept, which are in service, and what gateways fall back to."""
    folder = BundleFolder(Layout(data).bundles)
    for service in folder.all_in_service():
        _show(folder, service)


@command.command()
@data_option
@_days_option
@_above_option
def sign(data: Path, days: int, above: int) -> None:
    """Sign the models that are in service and not signed yet; gateways take no others."""
    folder = signing_folder(Layout(data))
    unsigned = [item.bundle for item in folder.all_in_service() if item.offer is None]
    for bundle in unsigned:
        _said(folder.offer(bundle, note="signed later", above=above, valid_for=days * DAY))
    if not unsigned:
        click.echo("every model in service is signed")


@command.command()
@click.argument("characteristic")
@click.argument("version", type=int)
@data_option
@_days_option
@_above_option
@click.option("--note", default="", help="Why, for the record.")
@click.option("--demo", is_flag=True, help="Any kept version, watermarked; not over an approved release.")
def offer(characteristic: str, version: int, data: Path, days: int, above: int, note: str, *, demo: bool) -> None:
    """Offer VERSION of a CHARACTERISTIC's model anew, which must be the champion (see `lineside release`).

    The offer is a new one with a number of its own: it renews one that expires, or follows what gateways have seen.
    """
    layout = Layout(data)
    bundle = _kept(signing_folder(layout), characteristic, version)
    _said(offer_checked(layout, bundle, demo=demo, note=note, above=above, valid_for=days * DAY))


@command.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@data_option
@click.option("--demo", is_flag=True, help="Put it in service too, watermarked; not over an approved release.")
def add(file: Path, data: Path, *, demo: bool) -> None:
    """Keep the bundle in FILE, made elsewhere, under the version that it has.

    Whoever adds it vouches for it from then on: look where it comes from.
    """
    folder, bundle = signing_folder(Layout(data)), unpack_bundle(file.read_bytes())
    click.echo(f"{bundle.name} in {folder.add(bundle)}")
    if demo:
        _said(offer_checked(Layout(data), bundle, demo=True, note=f"added from {file.name}"))


@command.command()
@click.argument("release")
@plan_option
@data_option
def card(release: str, plan: Path, data: Path) -> None:
    """Print the card of RELEASE (such as porosity/3) as Markdown: use, origin, figures, limits, what it returns to."""
    found, folder = load_plan(plan), BundleFolder(Layout(data).bundles)
    bundle = kept_bundle(folder, found, release)
    services = folder.in_service(bundle.manifest.station)
    here = [item for item in services if item.bundle.manifest.characteristic == bundle.manifest.characteristic]
    click.echo(model_card(found, bundle, here[0] if here else None), nl=False)


@command.command()
@click.argument("release")
@plan_option
@data_option
def sbom(release: str, plan: Path, data: Path) -> None:
    """Print what RELEASE was learned with, as a CycloneDX bill of materials (JSON)."""
    bundle = kept_bundle(BundleFolder(Layout(data).bundles), load_plan(plan), release)
    if SOFTWARE not in bundle.files:
        raise InputError("the bundle brings no bill of materials", field="RELEASE", value=release)
    click.echo(bundle.files[SOFTWARE].decode())


@command.command()
@click.argument("release")
@plan_option
@data_option
@_mlflow_option
def publish(release: str, plan: Path, data: Path, mlflow: str) -> None:
    """Copy RELEASE to an MLflow server or file, with its figures; what is in service here stays as it is."""
    found = load_plan(plan)
    registry = _mlflow(found, mlflow)
    click.echo(registry.add(kept_bundle(BundleFolder(Layout(data).bundles), found, release)))


@command.command()
@click.argument("characteristic")
@click.argument("version", type=int)
@plan_option
@data_option
@_mlflow_option
def fetch(characteristic: str, version: int, plan: Path, data: Path, mlflow: str) -> None:
    """Keep the VERSION of a CHARACTERISTIC's model that MLflow holds; every byte is checked against its digest."""
    bundle = _mlflow(load_plan(plan), mlflow).bundle(characteristic, version)
    click.echo(f"{bundle.name} in {signing_folder(Layout(data)).add(bundle)}")


def _mlflow(plan: Plan, uri: str) -> MlflowRegistry:
    from lineside.adapters.mlflow_registry import MlflowRegistry  # noqa: PLC0415 - an extra, and slow to load

    return MlflowRegistry(uri, site=plan.site.id, line=plan.line.id)


def _kept(folder: BundleFolder, characteristic: str, version: int) -> Bundle:
    kept = {item.manifest.version: item for item in folder.bundles(characteristic)}
    if version not in kept:
        raise InputError(
            f"no such version of a model of '{characteristic}' is kept",
            field="VERSION",
            value=version,
            choices=sorted(kept),
            next_step="see `lineside model list`",
        )
    return kept[version]


def _show(folder: BundleFolder, service: InService) -> None:
    manifest, offered = service.bundle.manifest, service.offer
    click.echo(f"{manifest.characteristic} at {manifest.station}")
    for bundle in folder.bundles(manifest.characteristic):
        here = bundle.name == service.bundle.name
        words = "kept"
        if here:
            words = (
                "in service, NOT SIGNED: lineside model sign" if offered is None else f"in service, {_words(offered)}"
            )
        click.echo(f"  {bundle.name:44} {bundle.manifest.family:12} {words}")


def _words(offered: Offer) -> str:
    until = dt.datetime.fromtimestamp(offered.expires // SECOND, tz=dt.UTC).date()
    back = f"fallback {offered.fallback_digest[:12]}" if offered.fallback_digest else "no fallback"
    return f"offer {offered.version} until {until}, {back}"


def _said(offered: Offer) -> None:
    click.echo(f"{offered.place}: {offered.model} in service, {_words(offered)}")
