"""The page that `streamlit_board` serves: tiles, and the five newest of a thousand open alerts that all sessions share.

It does less than a board: nothing is logged in, nothing audited, and the alerts are made once.
"""

import time

import streamlit as st

ALERTS = 1_000
SHOWN = 5


@st.cache_resource
def alerts() -> list[dict[str, object]]:
    """Return the open alerts, shared by all sessions."""
    return [{"station": "cast", "cause": f"cause {number}", "since": number} for number in range(ALERTS)]


st.title("Line 1")
now = time.time()
for place, column in enumerate(st.columns(4)):
    column.metric(f"Station {place + 1}", f"{now % (place + 2):.3f}")
st.write(f"{len(alerts())} alerts want an answer")
for alert in alerts()[:SHOWN]:
    st.write(f"{alert['station']}: {alert['cause']}, since {now - float(str(alert['since'])):.0f} s")
