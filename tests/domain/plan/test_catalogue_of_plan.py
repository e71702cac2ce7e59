from lineside.domain.plan.catalogue import catalogue_for
from lineside.testing.plans import plan_with_source


def test_the_catalogue_has_every_signal_in_the_plans_order_and_knows_the_texts() -> None:
    catalogue = catalogue_for(plan_with_source({"kind": "files", "path": "x"}))
    assert catalogue.signals == ("temperature", "pressure", "running", "serial")
    assert catalogue.texts == {"serial"}
