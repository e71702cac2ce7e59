"""The JSON interface under ``/api/v1``: the same answers and the same rights as the pages, and its own description."""

from lineside.apps.plant.board.api.operations import OPERATIONS
from lineside.apps.plant.board.api.routes import api_pages

__all__ = ["OPERATIONS", "api_pages"]
