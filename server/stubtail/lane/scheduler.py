"""Decides which jobs run next: admission by predicted finish, virtual deadlines, reserved shares.

Pure: no thread, no clock, no I/O. The lane calls it under a short lock and passes the time.

Order: earliest virtual deadline first, `min(deadline, arrival + slack of the class)`. Newer work
has later virtual deadlines, so whatever waits rises by itself. Earliest-deadline-first needs an
admission test to survive overload (Buttazzo et al., RTSS 1995); the test uses expected, not worst,
times, and is fed back from real completions. A job may spend only a part of its time on waiting:
what is admitted to finish just in time is late by the way back, and under permanent overload
everything that is admitted would be.
"""

from bisect import bisect_left, bisect_right, insort
from math import inf

from stubtail.lane.admission import Admission
from stubtail.lane.executor import Batch, Executor
from stubtail.lane.fairness import Fairness
from stubtail.lane.job import Job
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.order import (
    due,
    in_order,
    most_urgent_queue,
    rows_of_a_batch,
    split_expired,
    starving_priority,
)
from stubtail.lane.policy import Policy, Refusal
from stubtail.lane.priority import PRIORITIES
from stubtail.lane.room import victims_of


class Scheduler:
    """The waiting jobs of all models, and the executors that take them.

    Attributes:
        inline: the lane itself: one run at a time.
        pool: threads for models whose run takes long.
        apart: threads of their own for runs that wait for other processes.
        executors: all of them.
        jobs, size_bytes: everything that waits.
        dropped: jobs that left the queue without running, with the reason; None means expired.
            The caller takes them out and answers them.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.inline = Executor(1, policy.batch_run_s_max)
        self.pool = Executor(policy.pool_slots, policy.batch_run_s_max)
        self.apart = Executor(policy.apart_slots, policy.batch_run_s_max)
        self.executors = (self.inline, self.pool, self.apart)
        self.jobs = 0
        self.size_bytes = 0
        self.dropped: list[tuple[Job, Refusal | None]] = []
        self._fairness = Fairness(policy)
        self._admission = Admission(policy)

    def offer(self, job: Job, now: float) -> Refusal | None:
        """Admits the job (None) or says why not; an admitted one may push out lesser jobs."""
        queue = job.queue
        priority = job.priority
        executor = self._slow(queue) if queue.pooled else self.inline
        job.cost_s = cost_s = queue.latency.per_row_s * job.rows
        due_s = min(job.deadline_s, job.arrived_s + self.policy.slack_s[priority])
        tenant = job.tenant
        if tenant is not None:
            fairness = self._fairness
            refusal = fairness.refusal(job, tenant, now)
            if refusal is not None:
                return refusal
            if now < fairness.mixed_until_s:
                due_s = fairness.due_s(job, tenant, due_s)
        job.due_s = due_s
        if self._admission.refuses(job, executor, now):
            return Refusal.DEADLINE_UNREACHABLE
        if (
            self.jobs >= self.policy.jobs_max
            or self.size_bytes + job.size_bytes > self.policy.bytes_max
        ) and not self._make_room(job):
            return Refusal.QUEUE_FULL
        waiting = queue.waiting[priority]
        if not waiting:
            executor.join(queue, priority)
            waiting.append(job)
        elif waiting[-1].due_s <= due_s:
            waiting.append(job)
        else:
            insort(waiting, job, key=due)
        if queue.tenant is not tenant:
            queue.tenant = None if queue.rows_waiting else tenant
        queue.rows_waiting += job.rows
        queue.bytes_waiting += job.size_bytes
        queue.cost_s[priority] += cost_s
        executor.add(queue, priority, cost_s)
        if tenant is not None:
            self._fairness.waits(job, tenant)
            queue.postponed |= job.postponed
        self.jobs += 1
        self.size_bytes += job.size_bytes
        return None

    def take_alone(self, job: Job, now: float) -> Batch | None:
        """A batch of just this job, where it need not queue: nothing waits and nothing runs.

        None where it has to be offered, also when it would be late.
        """
        executor, queue = self.inline, job.queue
        if queue.pooled or executor.busy:
            return None
        run_s = queue.latency.predict_s(job.rows)
        if now + run_s > job.deadline_s:
            return None
        tenant = job.tenant
        if tenant is not None:
            if self._fairness.refusal(job, tenant, now) is not None:
                return None
            tenant.running += 1
        job.decoded_s = now
        executor.give(queue, job.priority, run_s)
        batch = Batch(queue, [job], job.rows, now, run_s)
        executor.running.append(batch)
        return batch

    def next_batch(self, executor: Executor, now: float) -> Batch | None:
        """The jobs to run now, or None when nothing waits or no slot is free."""
        while executor.queues and len(executor.running) < executor.slots:
            batch = self._take_all(executor, now)
            if batch is None:
                first = starving_priority(executor, self.policy.shares, now)
                queue = most_urgent_queue(executor, first)
                jobs = self._take(queue, executor, first, now)
                if not jobs:
                    continue
                rows = sum([job.rows for job in jobs])
                batch = Batch(queue, jobs, rows, now, queue.latency.predict_s(rows))
            executor.begin(batch)
            return batch
        return None

    def finish(self, batch: Batch, executor: Executor, run_s: float) -> None:
        """Frees the slot, and learns from the time that a clean batch held it."""
        executor.end(batch)
        if self._fairness.used:
            self._fairness.ended_together(batch)
        if batch.learned_rows:
            batch.queue.latency.observe(batch.learned_rows, run_s)

    def cancel(self, job: Job) -> bool:
        """Takes a waiting job out; False when it is not waiting."""
        waiting = job.queue.waiting[job.priority]
        index = bisect_left(waiting, job.due_s, key=due)
        while index < len(waiting) and waiting[index].due_s == job.due_s:
            if waiting[index] is job:
                del waiting[index]
                self._left(job)
                return True
            index += 1
        return False

    def expire(self, now: float) -> None:
        """Moves every waiting job whose deadline has passed to `dropped`."""
        for executor in self.executors:
            for queue in list(executor.queues):
                # Postponed jobs may expire before they are due, anywhere in the list.
                late = queue.postponed
                for waiting in queue.waiting:
                    if waiting and (late or waiting[0].due_s <= now):
                        self._drop_expired(waiting, inf if late else now, now)

    def drop_all(self) -> list[Job]:
        """Empties every queue and returns what waited, for a shutdown that ran out of time."""
        queues = [queue for executor in self.executors for queue in executor.queues]
        jobs = [job for queue in queues for waiting in queue.waiting for job in waiting]
        for job in jobs:
            self.cancel(job)
        return jobs

    def _slow(self, queue: ModelQueue) -> Executor:
        return self.apart if queue.apart else self.pool

    def _make_room(self, job: Job) -> bool:
        """Pushes out lesser jobs; False when that does not make enough room."""
        queues = [queue for executor in self.executors for queue in executor.queues]
        victims = victims_of(job, queues, self.jobs, self.size_bytes, self.policy)
        for victim in victims or ():
            self.cancel(victim)
            self.dropped.append((victim, Refusal.QUEUE_FULL))
        return victims is not None

    def _take_all(self, executor: Executor, now: float) -> Batch | None:
        """Everything, where one class waits in one queue, none can have expired, and all fit."""
        if len(executor.queues) > 1:
            return None
        (queue,) = executor.queues
        filled = [priority for priority in PRIORITIES if queue.waiting[priority]]
        if len(filled) != 1 or queue.solo or queue.alone_until_s > now:
            return None
        priority = filled[0]
        jobs = queue.waiting[priority]
        head = jobs[0]
        rows = queue.rows_waiting
        run_s = queue.latency.predict_s(rows)
        policy = self.policy
        if (
            head.due_s <= now
            or rows > policy.batch_rows_max
            or run_s > policy.batch_run_s_max
            or (self._fairness.used and run_s > self._fairness.run_s_max(now))
            or queue.postponed
            or now + run_s > head.deadline_s
        ):
            return None
        self.jobs -= len(jobs)
        self.size_bytes -= queue.bytes_waiting
        batch = Batch(queue, jobs, rows, now, run_s)
        if self._fairness.used:
            self._fairness.left_together(batch, priority)
        executor.take_only(queue, priority)
        return batch

    def _take(
        self, queue: ModelQueue, executor: Executor, first: int | None, now: float
    ) -> list[Job]:
        """Removes the next batch from the queue; expired jobs go to `dropped`."""
        for waiting in queue.waiting:
            if waiting and waiting[0].due_s <= now:
                self._drop_expired(waiting, now, now)
        filled = [priority for priority in PRIORITIES if queue.waiting[priority]]
        if not filled:
            executor.forget_if_empty(queue)
            return []
        if first not in filled:
            first = None
        heads = [queue.waiting[p][0] for p in filled if first is None or p == first]
        head = min(heads, key=due)
        run_s_max = self._fairness.run_s_max(now)
        rows_max = rows_of_a_batch(queue, head, now, self.policy.batch_rows_max, run_s_max)
        postponed = queue.postponed
        alone = queue.solo or queue.alone_until_s > now
        everything = queue.rows_waiting <= rows_max and not postponed and not alone
        if everything:
            taken = [job for priority in filled for job in queue.waiting[priority]]
        else:
            taken = in_order(queue, filled, first, 1 if alone else rows_max)
        self._remove(queue, executor, taken, everything=everything)
        if postponed:  # such a job can have expired in its place
            taken, expired = split_expired(taken, now)
            self._fairness.ended(expired)
            self.dropped += [(job, None) for job in expired]
        return taken

    def _remove(
        self, queue: ModelQueue, executor: Executor, taken: list[Job], *, everything: bool
    ) -> None:
        if everything:
            for priority in PRIORITIES:
                if queue.waiting[priority]:
                    executor.give(queue, priority, queue.cost_s[priority])
            if self._fairness.used:
                self._fairness.left(taken)
            self.jobs -= len(taken)
            self.size_bytes -= sum([job.size_bytes for job in taken])
            executor.clear(queue)
            return
        for priority in PRIORITIES:
            waiting = queue.waiting[priority]
            count = sum([job.priority == priority for job in taken])
            del waiting[:count]
        for job in taken:
            executor.give(queue, job.priority, job.cost_s)
            self._left(job, to_run=True)

    def _drop_expired(self, waiting: list[Job], due_s: float, now: float) -> None:
        """Drops what has expired among the jobs that are due by `due_s`, which stand first.

        Expired jobs are among those whose virtual deadline has passed, but for postponed ones.
        """
        end = bisect_right(waiting, due_s, key=due)
        expired = [job for job in waiting[:end] if job.deadline_s <= now]
        if expired:
            waiting[:end] = [job for job in waiting[:end] if job.deadline_s > now]
            for job in expired:
                self._left(job)
                self.dropped.append((job, None))

    def _left(self, job: Job, *, to_run: bool = False) -> None:
        """Books a job out that has been removed from its list."""
        queue = job.queue
        if job.tenant is not None:
            self._fairness.left([job])
            if not to_run:
                self._fairness.ended([job])
        queue.rows_waiting -= job.rows
        queue.bytes_waiting -= job.size_bytes
        queue.cost_s[job.priority] -= job.cost_s
        self.jobs -= 1
        self.size_bytes -= job.size_bytes
        executor = self._slow(queue) if queue.pooled else self.inline
        executor.remove(queue, job.priority, job.cost_s)
