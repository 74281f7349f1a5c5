import { fileURLToPath } from 'node:url'
import type { Cleanup } from './cleanup.ts'
import { fork, messageOf, type TestProcess } from './processes.ts'

const MAIN = fileURLToPath(new URL('./executor-main.js', import.meta.url))

export interface ExecutorOptions {
  readonly url: string
  readonly namespace: string
  readonly instance: string
  /** Tasks of handler `work` at once. Default 50. */
  readonly concurrency?: number
  /** A folder where it writes each body that it begins: task, attempt and time. */
  readonly ledger?: string
  /** So many executors in the one process, `<instance>-0` and on. Default 1: `instance` itself. */
  readonly count?: number
  /** More of its environment. */
  readonly environment?: Readonly<Record<string, string>>
}

/** Starts an executor as a process of its own and waits until it is registered. */
export async function startExecutor(cleanup: Cleanup, options: ExecutorOptions): Promise<TestProcess> {
  const { url: URL, namespace: NAMESPACE, instance: INSTANCE, concurrency = 50, ledger: LEDGER = '', count = 1, environment } = options
  const executor = fork(cleanup, MAIN, {
    URL,
    NAMESPACE,
    INSTANCE,
    CONCURRENCY: String(concurrency),
    LEDGER,
    COUNT: String(count),
    ...environment,
  })
  await messageOf(executor)
  return executor
}
