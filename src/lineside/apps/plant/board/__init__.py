"""The board: what people see and answer, in a browser on the wall, on a tablet, at a desk; and its JSON interface."""

from lineside.apps.plant.board.app import create_app
from lineside.apps.plant.board.doorkeeper import demo_login_code, first_run_code
from lineside.apps.plant.board.settings import BoardSettings, Demo, Fault

__all__ = ["BoardSettings", "Demo", "Fault", "create_app", "demo_login_code", "first_run_code"]
