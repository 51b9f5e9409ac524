"""FastAPI on uvicorn: raw float32 rows in, raw float32 scores out, scored in the event loop.

In the event loop, because a run takes microseconds and FastAPI's pool of threads costs more than
that. uvloop and httptools are uvicorn's own choice where they are installed.
"""

from fastapi import FastAPI, Request, Response
from graph import Graph

app = FastAPI()
graph = Graph()


@app.post("/infer")
async def infer(request: Request) -> Response:
    """Scores of the rows in the body."""
    scores = graph.scores(graph.rows(await request.body()))
    return Response(scores.tobytes(), media_type="application/octet-stream")
