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
  /** Of its process. */
  readonly environment?: Readonly<Record<string, string>>
}

/** Starts an executor as a process of its own and waits until it is registered. */
export async function startExecutor(cleanup: Cleanup, options: ExecutorOptions): Promise<TestProcess> {
  const { url: URL, namespace: NAMESPACE, instance: INSTANCE, concurrency = 50, environment } = options
  const executor = fork(cleanup, MAIN, { ...environment, URL, NAMESPACE, INSTANCE, CONCURRENCY: String(concurrency) })
  await messageOf(executor)
  return executor
}
