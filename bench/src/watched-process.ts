import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const CARILLON = fileURLToPath(new URL('../../cli/bin/carillon.js', import.meta.url))
const PRELOAD = new URL('./loop-watch.js', import.meta.url).href

/**
 * The longest time that the event loop of a process stood still, and the longest that its thread worked meanwhile. On a machine that others use as
 * well the first is longer: the thread waits for a processor.
 */
export interface LoopFigures {
  readonly stallMs: number
  readonly stallCpuMs: number
}

export interface ProcessFigures extends LoopFigures {
  /** Most resident memory, as the kernel counts it. */
  readonly peakMiB: number
}

/** A process of Carillon whose memory and event loop are watched. */
export interface WatchedProcess {
  readonly child: ChildProcess
  /** What matched when it was ready. */
  readonly ready: RegExpExecArray
  /** Since the last call. */
  figures(): Promise<ProcessFigures>
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Starts `carillon …` and waits until its output matches. @param options of node */
export async function startWatched(args: readonly string[], isReady: RegExp, options: readonly string[] = []): Promise<WatchedProcess> {
  const env = { ...process.env, NODE_OPTIONS: [...options, `--import=${PRELOAD}`].join(' ') }
  const child = spawn(process.execPath, [CARILLON, ...args], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const ready = await matched(child, isReady)
  const exited = once(child, 'exit')
  exited.catch(() => undefined)
  return {
    child,
    ready,
    figures: async () => {
      child.send('figures')
      const [figures] = (await once(child, 'message')) as [LoopFigures]
      const peakMiB = peakOf(child.pid as number)
      return { peakMiB, ...figures }
    },
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal)
      await exited
    },
  }
}

function matched(child: ChildProcess, isReady: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = ''
    let isOver = false
    const take = (chunk: Buffer) => {
      if (isOver) return
      text += String(chunk)
      const found = isReady.exec(text)
      if (!found) return
      isOver = true
      resolve(found)
    }
    child.stdout?.on('data', take)
    child.stderr?.on('data', take)
    child.once('exit', () => reject(new Error(`carillon ended before it was ready:\n${text}`)))
  })
}

/** Since the last call: the kernel is told to begin anew. */
function peakOf(pid: number): number {
  const kib = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  return Math.round(kib / 1_024)
}
