import { type ChildProcess, fork, type Serializable, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Load } from './load.ts'

const CARILLON = fileURLToPath(new URL('../../cli/bin/carillon.js', import.meta.url))
const CLOCK_TICKS_PER_S = 100
const PAGE_BYTES = 4096

/** A mesh of its own in a process of its own, as a user starts it. */
export interface MeshProcess {
  readonly url: string
  /** From the start of the process to "Carillon is ready". */
  readonly readyMs: number
  /** Resident memory in MiB and processor time in ms so far, of the mesh without its nats-server. */
  usage(): { rssMiB: number; cpuMs: number }
  /** Stops it, and answers the folder with its data, for another one. */
  leave(): Promise<string>
  stop(): Promise<void>
}

export async function startMesh(options: { storeUrl?: string; data?: string }): Promise<MeshProcess> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'carillon-bench-'))
  const begun = performance.now()
  const store = options.storeUrl ? ['--store', options.storeUrl] : []
  const child = spawn(process.execPath, [CARILLON, 'up', '--data', data, '--port', '0', ...store], { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await readyUrl(child)
  const leave = async () => {
    child.kill('SIGTERM')
    await once(child, 'exit')
    return data
  }
  return {
    url,
    readyMs: Math.round(performance.now() - begun),
    usage: () => usageOf(child.pid as number),
    leave,
    stop: async () => {
      await leave()
      rmSync(data, { recursive: true, force: true })
    },
  }
}

function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += String(chunk)
      const found = /Carillon is ready · (nats:\/\/\S+)/.exec(text)?.[1]
      if (found) resolve(found)
    })
    child.once('exit', () => reject(new Error(`carillon up ended before it was ready:\n${text}`)))
  })
}

export function usageOf(pid: number): { rssMiB: number; cpuMs: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const cpuTicks = Number(fields[11]) + Number(fields[12])
  const rssPages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
  return { rssMiB: Math.round((rssPages * PAGE_BYTES) / 2 ** 20), cpuMs: (cpuTicks * 1_000) / CLOCK_TICKS_PER_S }
}

/** The executor process of the measurements. */
export interface BenchExecutor {
  ask(what: 'starts' | 'lateness' | 'planned' | 'mapMs' | 'waits'): Promise<number[]>
  stop(): Promise<void>
}

export const startExecutor = (url: string): Promise<BenchExecutor> => startBenchProcess('./executor.js', { CARILLON_NATS_URL: url })
export const startBulkExecutor = (url: string): Promise<Pick<BenchExecutor, 'stop'>> =>
  startBenchProcess('./bulk-executor.js', { CARILLON_NATS_URL: url })
/** So many instances in one process, each with a connection of its own. */
export const startInstances = (url: string, count: number): Promise<BenchExecutor> =>
  startBenchProcess('./instances.js', { CARILLON_NATS_URL: url, CARILLON_BENCH_INSTANCES: String(count) })

/** A process that puts loads on a mesh, one at a time. */
export interface LoadProcess {
  do(load: Load): Promise<void>
  stop(): Promise<void>
}

export async function startLoads(url: string): Promise<LoadProcess> {
  const { ask, stop } = await startBenchProcess<Load, 'done'>('./load.js', { CARILLON_NATS_URL: url })
  return { do: async (load) => void (await ask(load)), stop }
}

interface BenchProcess<Question, Answer> {
  ask(question: Question): Promise<Answer>
  stop(): Promise<void>
}

export async function startBenchProcess<Question extends Serializable, Answer>(
  file: string,
  environment: Record<string, string>,
): Promise<BenchProcess<Question, Answer>> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), { env: { ...process.env, ...environment } })
  const answer = async () => {
    const listening = new AbortController()
    const { signal } = listening
    const ended = once(child, 'exit', { signal }).then(([code]) => {
      throw new Error(`${file} ended with ${code} instead of answering`)
    })
    try {
      const [message] = await Promise.race([once(child, 'message', { signal }), ended])
      return message
    } finally {
      listening.abort()
    }
  }
  await answer()
  return {
    ask: async (question) => {
      child.send(question)
      return answer()
    },
    stop: async () => {
      if (child.exitCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}
