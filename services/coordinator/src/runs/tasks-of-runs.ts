import type { RunHead, Store, TaskHead } from '@carillon/store'

/** A task of a fan-out run, and the run: what is the same for all its tasks. */
export interface TaskOfRun {
  readonly task: TaskHead
  readonly run: RunHead
}

/** Tasks by id, each with its run. What is not there is undefined. */
export async function readTasks(store: Store, ids: readonly string[]): Promise<(TaskOfRun | undefined)[]> {
  return withRuns(store, await store.tasks.heads(ids))
}

/** Puts the runs to their tasks; one whose run is not there is undefined. */
export async function withRuns(store: Store, tasks: readonly (TaskHead | undefined)[]): Promise<(TaskOfRun | undefined)[]> {
  const runIds = [...new Set(tasks.flatMap((task) => (task ? [task.runId] : [])))]
  const runs = new Map((await store.runs.heads(runIds)).map((run) => [run?.id, run]))
  return tasks.map((task) => {
    const run = task && runs.get(task.runId)
    return run && { task, run }
  })
}
