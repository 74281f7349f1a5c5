import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNatsServer } from '@carillon/wire/testing'
import { startWatched, type WatchedProcess } from './watched-process.ts'

/** A mesh, the process of whose coordinator is watched. */
export interface WatchedMesh {
  readonly url: string
  readonly coordinator: WatchedProcess
  /** Where its coordinator has a process of its own. */
  readonly cluster?: {
    /** Ends the coordinator as a crash does; another one, started before, goes on. Answers that one. */
    failOver(load: () => Promise<void>): Promise<WatchedProcess>
    /** The broker starts again without all that it had. */
    wipeBroker(): Promise<void>
    /** One more coordinator, and how long it took to be ready, in ms. */
    startAnother(): Promise<{ coordinator: WatchedProcess; readyMs: number }>
  }
  stop(): Promise<void>
}

/** A coordinator in a container of 512 MiB as docker-compose.yml starts it, one that may take what the machine has, and everything in one process. */
export type Deployment = 'container' | 'coordinator' | 'up'

/** What node chooses by itself in such a container, by the limit of its memory. */
const IN_CONTAINER = ['--max-old-space-size=256', '--max-semi-space-size=1']

const IS_READY = /"evt":"service\.ready"/

export function startWatchedMesh(deployment: Deployment, storeUrl: string | undefined): Promise<WatchedMesh> {
  if (deployment === 'up') return startUp(storeUrl)
  return startCluster(storeUrl, deployment === 'container' ? IN_CONTAINER : [])
}

/** Everything in one process, as `carillon up` starts it. */
async function startUp(storeUrl: string | undefined): Promise<WatchedMesh> {
  const data = mkdtempSync(join(tmpdir(), 'carillon-bench-'))
  const store = storeUrl ? ['--store', storeUrl] : []
  const up = await startWatched(['up', '--data', data, '--port', '0', ...store], /Carillon is ready · (nats:\/\/\S+)/)
  return {
    url: up.ready[1] as string,
    coordinator: up,
    stop: async () => {
      await up.stop()
      rmSync(data, { recursive: true, force: true })
    },
  }
}

/** A process for each service, as in a cluster. */
async function startCluster(storeUrl: string | undefined, options: readonly string[]): Promise<WatchedMesh> {
  const data = mkdtempSync(join(tmpdir(), 'carillon-bench-'))
  const nats = await startNatsServer()
  const at = ['--nats', nats.url]
  const registry = await startWatched(['registry', ...at], IS_READY)
  const store = storeUrl ?? `sqlite:${join(data, 'carillon.db')}`
  const start = () => startWatched(['coordinator', ...at, '--store', store], IS_READY, options)
  const coordinators = [await start()]
  const [first] = coordinators as [WatchedProcess]
  const startAnother = async () => {
    const begun = performance.now()
    const coordinator = await start()
    coordinators.push(coordinator)
    return { coordinator, readyMs: Math.round(performance.now() - begun) }
  }
  return {
    url: nats.url,
    coordinator: first,
    cluster: {
      startAnother,
      failOver: async (load) => {
        const { coordinator } = await startAnother()
        await load()
        await first.stop('SIGKILL')
        return coordinator
      },
      wipeBroker: async () => {
        await nats.kill()
        await nats.restart({ wipe: true })
      },
    },
    stop: async () => {
      for (const coordinator of coordinators)
        if (coordinator.child.signalCode === null && coordinator.child.exitCode === null) await coordinator.stop()
      await registry.stop()
      await nats.stop()
      rmSync(data, { recursive: true, force: true })
    },
  }
}
