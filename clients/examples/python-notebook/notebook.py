"""A notebook as a script: editors run its cells (`# %%`) one by one, `python notebook.py` all.

Needs `pip install stubtail pandas matplotlib` and a server with the model churn: `make serve`.
STUBTAIL_SERVER names another server, PLOT another file for the plot.
"""

# %% Connect. One client for the whole notebook.
import os
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stubtail_client import AnomalyKind, Client

ROOT = Path(__file__).resolve().parents[3]
client = Client(os.environ.get("STUBTAIL_SERVER", "127.0.0.1:8500"), timeout=30)
for model in client.models():
    print(model.name, model.version, model.state)

# %% Score a frame: columns by their names, missing values as they are.
customers = pd.read_csv(ROOT / "training" / "examples" / "churn.csv")
scores = client.score("churn", customers, explain=1)
answers = customers[["tenure", "contract", "monthly_charges"]].join(scores.to_frame())
leaving = answers[answers["label"] == "leave"].sort_values("score", ascending=False)
print(leaving.head())
print(f"{len(leaving)} of {len(customers)} customers are likely to leave")

# %% Why the first of them, and what would help?
riskiest = int(leaving.index[0])
print(scores[riskiest].reasons)
decision = client.decide(
    "churn",
    customers.iloc[riskiest].to_dict(),
    grid={"contract": ["Month-to-month", "One year", "Two year"], "tech_support": ["No", "Yes"]},
    minimise="score",
)
for option in decision.ranked:
    print(option["contract"], option["tech_support"], option.predicted)

# %% Forecast the requests of the next day, with bounds, and draw them.
rng = np.random.default_rng(1)
hours = pd.date_range("2026-11-01", periods=21 * 24, freq="h")
usual = 300 + 200 * np.sin(2 * np.pi * np.arange(len(hours)) / 24)
load = pd.Series(usual + rng.normal(0, 20, len(hours)), index=hours, name="requests/s")
forecast = client.forecast(load, 24, levels=(0.1, 0.5, 0.95), timeout=60)[0]
replicas = int(np.ceil(forecast.quantile(0.95).max() / 50))
print(f"the busiest hour of tomorrow needs {replicas} replicas of 50 requests/s each")

figure = Figure(figsize=(9, 4), layout="constrained")
axes = figure.add_subplot()
past = load[-72:]
axes.plot(past.index, past, color="#4b5563", label="measured")
axes.plot(forecast.times, forecast.point, color="#2563eb", label=f"forecast ({forecast.model})")
axes.fill_between(
    forecast.times, forecast.quantile(0.1), forecast.quantile(0.95), color="#2563eb", alpha=0.2
)
axes.set_ylabel(load.name)
axes.legend()
plot = Path(os.environ.get("PLOT", "forecast.png"))
figure.savefig(plot)
print(f"drawn into {plot}")

# %% Is anything unusual? Nothing has to be trained.
load.iloc[300] *= 3
found = client.detect_series(load, season=24)
for one in found.anomalies:
    what = "a spike" if one.kind == AnomalyKind.SPIKE else one.kind
    print(f"{what} at {load.index[one.start]}: {one.value:.0f}, expected {one.expected:.0f}")

# %% Close the connection.
client.close()
