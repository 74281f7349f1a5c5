/** A Docker engine, a Compose command and base images: the machine's own, or what scripts/offline-images makes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../run-command.ts'

type Say = (line: string) => void

export interface Docker {
  /** What it is, for people. */
  kind: string
  /** For every `docker` and Compose command. */
  environment: Record<string, string>
  /** `docker compose` or `docker-compose`. */
  compose: string[]
  /** Compose files in their order. */
  files: string[]
  /** Options of `docker build`. */
  buildOptions: string[]
  /** Ends the engine if it was started for this. */
  stop(): Promise<void>
}

const MAIN_FILE = 'docker-compose.yml'
const OFFLINE_FILE = 'test/compose/offline-mongodb.yml'
const OFFLINE_IMAGES = join(import.meta.dirname, '..', 'offline-images')
/** Those that Dockerfile and docker-compose.yml name. */
const BASE_IMAGES = [
  ...new Set(
    ['Dockerfile', MAIN_FILE].flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/^(?:FROM| +image:) ((?:node|nats|mongo):\S+)/gm)].map(([, image]) => image!),
    ),
  ),
]
/** Pulling some hundred MB over a slow line. */
const PULL_MS = 15 * 60_000
/** Everything built from nothing takes five minutes on two cores. */
const PREPARE_MS = 30 * 60_000

export async function findDocker(say: Say): Promise<Docker | { skipped: string }> {
  const reasons: string[] = []
  for (const find of [ownDocker, offlineDocker]) {
    try {
      return await find(say)
    } catch (error) {
      const reason = (error as Error).message.replaceAll(/\s+/g, ' ')
      say(reason)
      reasons.push(reason)
    }
  }
  return { skipped: reasons.join(' · ') }
}

async function ownDocker(say: Say): Promise<Docker> {
  await runCommand(['docker', 'info']).catch(() => {
    throw new Error('no Docker engine answers')
  })
  const compose = await findCompose()
  for (const image of BASE_IMAGES) await mustHave(image, say)
  return {
    kind: "the machine's Docker engine",
    environment: {},
    compose,
    files: [MAIN_FILE],
    buildOptions: [],
    stop: async () => undefined,
  }
}

async function offlineDocker(say: Say): Promise<Docker> {
  if (process.platform !== 'linux') throw new Error('base images can be made on Debian only')
  const running = await runCommand(['bash', OFFLINE_IMAGES, 'status']).then(
    () => true,
    () => false,
  )
  const output = await runCommand(['bash', OFFLINE_IMAGES, 'up'], { timeoutMs: PREPARE_MS, say })
  return {
    kind: 'a Docker engine of its own with base images made here',
    environment: { DOCKER_HOST: output.trim().split('\n').at(-1)!, DOCKER_BUILDKIT: '0' },
    compose: await findCompose(),
    files: [MAIN_FILE, OFFLINE_FILE],
    // The registries are reached as this machine reaches them.
    buildOptions: ['--network', 'host'],
    async stop() {
      if (!running) await runCommand(['bash', OFFLINE_IMAGES, 'down'])
    },
  }
}

async function findCompose(): Promise<string[]> {
  for (const compose of [['docker', 'compose'], ['docker-compose']]) {
    const answers = await runCommand([...compose, 'version']).then(
      () => true,
      () => false,
    )
    if (answers) return compose
  }
  throw new Error('neither `docker compose` nor `docker-compose` is installed')
}

async function mustHave(image: string, say: Say): Promise<void> {
  const there = await runCommand(['docker', 'image', 'inspect', image]).then(
    () => true,
    () => false,
  )
  if (there) return
  say(`pulling ${image} ...`)
  await runCommand(['docker', 'pull', '--quiet', image], { timeoutMs: PULL_MS })
}
