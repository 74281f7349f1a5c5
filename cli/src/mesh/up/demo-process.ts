import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { CarillonError } from '@carillon/contracts'
import { pause } from '../../clock.ts'
import { endGroup, endWithUs } from '../nats-server/own-children.ts'
import type { Child } from './supervisor.ts'

const BIN = fileURLToPath(new URL('../../../bin/carillon.js', import.meta.url))
/** It drains on SIGTERM for 2 s, and a handler may need the grace of 5 s to notice. */
const STOP_MS = 9_000

export interface DemoOptions {
  readonly natsUrl: string
  readonly namespace: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Called with what it prints. */
  readonly onLine: (line: string) => void
}

export interface DemoProcess extends Child {
  readonly pid: number
}

/** Starts the demo executor as a process of its own and resolves when it is registered. @throws CarillonError INTERNAL when it ends before */
export async function startDemoProcess({ natsUrl, namespace, environment, onLine }: DemoOptions): Promise<DemoProcess> {
  // Its own process group: Ctrl-C reaches us first, and it can drain over a mesh that still runs.
  const child = spawn(process.execPath, [BIN, 'demo', '--nats', natsUrl, '--namespace', namespace], {
    detached: true,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  }) as ChildProcessByStdio<null, Readable, Readable>
  endWithUs(child)
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`))
    child.once('error', (error) => resolve(error.message))
  })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.splice(0, lines.length - 4)
      lines.push(line)
      onLine(line)
    })
  }
  const registered = new Promise<undefined>((resolve) => child.once('message', () => resolve(undefined)))
  const ending = await Promise.race([registered, exited])
  if (ending !== undefined) throw new CarillonError('INTERNAL', `the demo executor ended at its start (${ending}): ${lines.join(' · ')}`)
  return { pid: child.pid ?? 0, exited, stop: () => stopChild(child, exited) }
}

async function stopChild(child: ChildProcess, exited: Promise<string>): Promise<void> {
  endGroup(child, 'SIGTERM')
  const ended = new AbortController()
  const late = pause(STOP_MS, ended.signal)
  if ((await Promise.race([late, exited])) === true) endGroup(child, 'SIGKILL')
  await exited
  ended.abort()
}
