"""The processes that forecast: started when first needed, replaced when they die or hang.

Calls that want a process stand in line, and go to its end when they got one: many series of one
call leave room for the few of another.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from typing import Final

from stubtail.forecasting.crew_member import Member
from stubtail.forecasting.task import Answer, GraphFile, Task, TooSlowError

log = logging.getLogger("stubtail.forecasting")

LOOK_S: Final = 0.005  # how often a call that could use another process looks for one
ASK_S: Final = 0.1  # how often a call looks whether anybody still waits for it
GRACE_S: Final = 0.05  # a process that is this late is not coming back in time
LATE_S: Final = 2.0  # but a warm one is worth this wait: a new one takes longer to start

Result = Answer | Exception


class Crew:
    """A bounded number of processes, each with one task at a time. Any thread may call `run`.

    Args:
        size: how many processes.
        cached_fits_max: passed to each.
        clock: monotonic seconds of the machine, the same in every process.
        graphs: the exported models that a new process makes itself ready for.

    Attributes:
        restarts: processes that died or were ended.
    """

    def __init__(
        self,
        size: int,
        cached_fits_max: int,
        clock: Callable[[], float],
        graphs: Callable[[], Sequence[GraphFile]] = tuple,
    ) -> None:
        self._size = size
        self._cached_fits_max = cached_fits_max
        self._clock = clock
        self._graphs = graphs
        self._changed = threading.Condition()
        self._idle: list[Member] = []  # the last one first: its caches are warm
        self._line: deque[_Run] = deque()  # calls that want a process, the longest waiting first
        self._members: set[Member] = set()
        self._starting = 0
        self._closed = False
        self.restarts = 0

    @property
    def size(self) -> int:
        """How many processes there are when all of them are needed."""
        return self._size

    @property
    def pids(self) -> list[int]:
        """The processes that live now."""
        with self._changed:
            return [member.pid for member in self._members]

    def start(self) -> None:
        """Begins to start the processes that are missing, in threads; returns at once."""
        with self._changed:
            missing = 0 if self._closed else self._size - len(self._members) - self._starting
            self._starting += missing
        for _ in range(missing):
            threading.Thread(target=self._start_one, name="forecast-start", daemon=True).start()

    def run(
        self, tasks: Sequence[Task], cancelled: Callable[[], bool] = lambda: False
    ) -> list[Result]:
        """Forecasts each task, on as many processes as are free; blocks until all are done.

        A task whose deadline passes ends with TooSlowError; its process has a moment to come back.
        A task whose process dies is given to another one, once; then it ends with RuntimeError.
        Neither touches another task.

        Args:
            tasks: in the order of the results.
            cancelled: whether nobody waits for the results any more; then no task is begun.
        """
        run = _Run(tasks)
        try:
            while (run.waiting or run.busy) and not cancelled():
                self._hand_out(run)
                self._collect(run)
        finally:
            with self._changed:
                self._leave_line(run)
            for member in run.busy:
                self._let_finish(member)
        return run.results

    def close(self) -> None:
        """Ends all processes; what they work on ends with RuntimeError."""
        with self._changed:
            self._closed = True
            members, self._members = set(self._members), set()
            self._idle.clear()
            self._changed.notify_all()
        for member in members:
            member.end()

    def _hand_out(self, run: "_Run") -> None:
        while run.waiting:
            left_s = run.tasks[run.waiting[0]].deadline_s - self._clock()
            member = self._take(run, 0.0 if run.busy else min(left_s, ASK_S))
            if member is None:
                if (left_s <= 0 or self._closed) and not run.busy:
                    run.waiting.clear()  # their results say so already
                return
            index = run.waiting.popleft()
            task = run.tasks[index]
            # What is left is for all that wait: each has its part of it, as long as it knows how.
            rounds = max((1 + len(run.waiting)) / self._size, 1.0)
            now = self._clock()
            due_s = now + (task.deadline_s - now) / rounds
            try:
                member.connection.send((index, replace(task, due_s=due_s)))
            except OSError as error:
                run.died(index, error)
                self._give_up(member)
            else:
                run.busy[member] = index

    def _collect(self, run: "_Run") -> None:
        if not run.busy:
            return
        deadline_s = min(run.tasks[index].deadline_s for index in run.busy.values())
        left_s = deadline_s + GRACE_S - self._clock()
        patience_s = min(left_s, LOOK_S if run.waiting else ASK_S)
        ready = wait([member.connection for member in run.busy], max(patience_s, 0.0))
        for member in [one for one in run.busy if one.connection in ready]:
            index = run.busy.pop(member)
            try:
                _, run.results[index] = member.connection.recv()
            except (EOFError, OSError) as error:
                run.died(index, error)
                self._give_up(member)
            else:
                self._give_back(member)
        now = self._clock()
        for member, index in list(run.busy.items()):
            if now > run.tasks[index].deadline_s + GRACE_S:
                del run.busy[member]
                run.results[index] = TooSlowError("its time was over before it was done")
                self._let_finish(member)

    def _take(self, run: "_Run", patience_s: float) -> "Member | None":
        """A process for the call; None when it is not its turn in time, and it keeps its place."""
        end_s = self._clock() + patience_s
        self.start()
        with self._changed:
            if run not in self._line:
                self._line.append(run)
            while not (self._idle and self._line[0] is run):
                left_s = end_s - self._clock()
                if left_s <= 0 or self._closed:
                    return None
                self._changed.wait(left_s)
            self._leave_line(run)
            return self._idle.pop()

    def _leave_line(self, run: "_Run") -> None:
        if run in self._line:
            self._line.remove(run)
            self._changed.notify_all()  # the next one may be first now

    def _give_back(self, member: "Member") -> None:
        with self._changed:
            if not self._closed:
                self._idle.append(member)
                self._changed.notify_all()

    def _let_finish(self, member: "Member") -> None:
        """Nobody waits for its answer any more, but it may be back soon and serve others."""
        name = "forecast-late"
        threading.Thread(target=self._finish, args=(member,), name=name, daemon=True).start()

    def _finish(self, member: "Member") -> None:
        try:
            if not member.connection.poll(LATE_S):
                raise TimeoutError("it does not come back")
            member.connection.recv()
        except (EOFError, OSError):  # TimeoutError is one
            self._give_up(member)
        else:
            self._give_back(member)

    def _give_up(self, member: "Member") -> None:
        """Its process is dead, or too late to wait for: another one takes its place."""
        with self._changed:
            if member in self._members:
                self.restarts += 1
            self._members.discard(member)
        member.end()
        self.start()

    def _start_one(self) -> None:
        member = None
        try:
            member = Member(self._cached_fits_max)
            member.get_ready(self._graphs())
        except (OSError, EOFError, TimeoutError) as error:
            log.error("forecasting process did not start", extra={"detail": repr(error)})  # noqa: TRY400 - one line
            if member is not None:
                member.end()
            member = None
            time.sleep(1.0)  # or a broken installation would start processes without a pause
        with self._changed:
            self._starting -= 1
            if member is not None and not self._closed:
                self._members.add(member)
                self._idle.append(member)
                member = None
            self._changed.notify_all()
        if member is not None:
            member.end()


class _Run:
    """The tasks of one call on their way: which wait, and which process has which."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tasks
        self.results: list[Result] = [TooSlowError("no process was free in time") for _ in tasks]
        self.waiting = deque(range(len(tasks)))
        self.busy: dict[Member, int] = {}
        self._again: set[int] = set()

    def died(self, index: int, error: Exception) -> None:
        """The process of a task is gone: the task waits for another one, once."""
        if index in self._again:
            self.results[index] = RuntimeError(f"its process has ended: {error!r}")
        else:
            self._again.add(index)
            self.waiting.appendleft(index)
