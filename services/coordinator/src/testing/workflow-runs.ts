import assert from 'node:assert/strict'
import { type CALLS, type CallInput, nodeTaskId, parseInput, startRunSchema, undoTaskId, workflowSchema } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord, TaskRecord } from '@carillon/store'
import { reportsFrom, runOf, type TestCoordinator } from './test-coordinator.ts'

/** A run of a workflow, driven by a test: its tasks are those of one instance, which reports what the test says. */
export class WorkflowRun {
  readonly #coordinator: TestCoordinator
  readonly id: string
  readonly #nodes: readonly string[]

  constructor(coordinator: TestCoordinator, run: { id: string; nodes: readonly string[] }) {
    this.#coordinator = coordinator
    this.id = run.id
    this.#nodes = run.nodes
  }

  /** Puts the workflow `order`, and starts a run of it. */
  static async start(
    coordinator: TestCoordinator,
    given: CallInput<typeof CALLS.jobsPut>['workflow'],
    payload: unknown = null,
  ): Promise<WorkflowRun> {
    const workflow = parseInput(workflowSchema, given)
    await coordinator.changeJobs.put('default', { name: 'order', workflow })
    const request = parseInput(startRunSchema, { job: 'order', payload })
    const [started] = await coordinator.startRuns.execute([
      { namespace: 'default', request, bytes: 100, trigger: 'call', traceparent: undefined },
    ])
    assert.ok(started && 'runId' in started, JSON.stringify(started))
    const run = new WorkflowRun(coordinator, { id: started.runId, nodes: workflow.nodes.map(({ id }) => id) })
    await turns()
    return run
  }

  record(): Promise<RunRecord> {
    return runOf(this.#coordinator, this.id)
  }

  async task(node: string, generation = 1): Promise<TaskRecord | undefined> {
    return (await this.#coordinator.store.tasks.get([nodeTaskId(this.id, this.#nodes.indexOf(node), generation)]))[0]
  }

  /** The states of nodes that have begun, as `a:queued b:succeeded`. */
  async states(): Promise<string> {
    const { items } = await this.#coordinator.store.tasks.list({ runId: this.id, limit: 1_000 })
    return items.map(({ name, state }) => `${name}:${state}`).join(' ')
  }

  /** An instance reports the end of a node's task. */
  async ends(
    node: string,
    fields: { outcome?: string; result?: unknown; error?: object; context?: object; generation?: number } = {},
  ): Promise<void> {
    const { generation = 1, ...rest } = fields
    const task = await this.task(node, generation)
    assert.ok(task, `node ${node} has not begun`)
    await this.#report(task, rest)
  }

  /** The same of the task that undoes a node. */
  async undoes(node: string, fields: { outcome?: string; error?: object } = {}): Promise<void> {
    const [task] = await this.#coordinator.store.tasks.get([undoTaskId(this.id, this.#nodes.indexOf(node), 1)])
    assert.ok(task, `what undoes node ${node} has not begun`)
    await this.#report(task, fields)
  }

  async #report(task: TaskRecord, { outcome = 'succeeded', ...rest }: { outcome?: string }): Promise<void> {
    const report = { runId: this.id, taskId: task.id, attempt: task.attempt, type: 'finished', outcome, ...rest }
    await this.#coordinator.applyReports.execute([reportsFrom('i-1', report)])
    await turns()
  }
}

/** What follows from a write has happened. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await settle()
}
