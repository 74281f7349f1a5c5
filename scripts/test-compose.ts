/**
 * `npm run test:compose`: docker-compose.yml for real. Builds the image, brings the cluster up, fires a job from outside, kills a coordinator,
 * fires again, reads logs, takes everything down.
 *
 * Without a Docker engine and base images to be had it is skipped; in CI (`CI=true`) that is a failure.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Docker, findDocker } from './compose/docker.ts'
import { runCommand } from './compose/run-command.ts'
import { freePort } from './mongodb/ports.ts'

const PROJECT = 'carillon-test'
const IMAGE = 'carillon-test'
const KILLED = 'coordinator-1'
const HEALTHY_MS = 180_000
const SERVICES = ['nats', 'mongodb', 'registry', 'coordinator-1', 'coordinator-2', 'logger-1', 'logger-2', 'demo']

/** What the steps act on; `run` is the last run that succeeded. */
interface Cluster {
  docker: Docker
  port: number
  run?: string
}

interface Step {
  what: string
  act(cluster: Cluster): Promise<unknown>
  /** The steps after it mean nothing when it fails. */
  decisive?: true
}

const say = (line: string) => console.log(`test:compose: ${line}`)

const STEPS: Step[] = [
  { what: 'the image is built', act: buildImage, decisive: true },
  { what: 'the cluster comes up, every container healthy', act: comeUp, decisive: true },
  { what: 'no container runs as root', act: mustNotBeRoot },
  { what: 'a job fired from outside succeeds', act: fire },
  { what: 'a coordinator is killed', act: killCoordinator },
  { what: 'a job succeeds without it', act: fire },
  { what: 'the logs of that run can be read', act: readLogs },
  { what: 'the killed coordinator comes back', act: comeUp },
  { what: 'down leaves nothing', act: takeDown },
]

async function buildImage({ docker }: Cluster): Promise<void> {
  await runCommand(['docker', 'build', ...docker.buildOptions, '-t', IMAGE, '.'], {
    environment: docker.environment,
    timeoutMs: 15 * 60_000,
  })
}

function compose({ docker, port }: Cluster, ...options: string[]): Promise<string> {
  const files = docker.files.flatMap((file) => ['-f', file])
  const environment = { ...docker.environment, CARILLON_PORT: String(port), CARILLON_IMAGE: IMAGE }
  return runCommand([...docker.compose, '-p', PROJECT, ...files, ...options], { environment, timeoutMs: HEALTHY_MS })
}

async function comeUp(cluster: Cluster): Promise<void> {
  await compose(cluster, 'up', '-d', '--no-build')
  const deadline = Date.now() + HEALTHY_MS
  for (;;) {
    const states = await Promise.all(
      SERVICES.map(async (service) => [service, await inspect(cluster, service, '{{.State.Health.Status}}')]),
    )
    const ill = states.filter(([, state]) => state !== 'healthy').map(([service, state]) => `${service} is ${state}`)
    if (ill.length === 0) return
    if (Date.now() > deadline) throw new Error(ill.join(', '))
    await sleep(500)
  }
}

async function inspect(cluster: Cluster, service: string, format: string): Promise<string> {
  const container = await containerOf(cluster, service)
  return (await runCommand(['docker', 'inspect', '--format', format, container], { environment: cluster.docker.environment })).trim()
}

async function containerOf({ docker }: Cluster, service: string): Promise<string> {
  const labels = [`com.docker.compose.project=${PROJECT}`, `com.docker.compose.service=${service}`]
  const filters = labels.flatMap((label) => ['--filter', `label=${label}`])
  const id = (await runCommand(['docker', 'ps', '-aq', ...filters], { environment: docker.environment })).trim()
  assert.match(id, /^[0-9a-f]+$/, `one container of ${service}`)
  return id
}

async function mustNotBeRoot(cluster: Cluster): Promise<void> {
  for (const service of SERVICES) {
    const user = await inspect(cluster, service, '{{.Config.User}}')
    assert.ok(!['', '0', 'root'].includes(user.split(':')[0]!), `${service} runs as ${user || 'root'}`)
  }
}

/** The CLI on this machine, outside of the cluster. */
function carillon({ port }: Cluster, ...options: string[]): Promise<string> {
  return runCommand(['npx', '--no-install', 'carillon', ...options, '--json'], {
    environment: { CARILLON_NATS_URL: `nats://127.0.0.1:${port}` },
  })
}

async function fire(cluster: Cluster): Promise<void> {
  const name = `guest ${cluster.run === undefined ? 'one' : 'two'}`
  const run = JSON.parse(await carillon(cluster, 'run', 'hello', JSON.stringify({ name })))
  assert.equal(run.state, 'succeeded')
  assert.deepEqual(run.result, { greeting: `Hello, ${name}!` })
  cluster.run = run.runId
}

async function killCoordinator(cluster: Cluster): Promise<void> {
  await runCommand(['docker', 'kill', '--signal', 'KILL', await containerOf(cluster, KILLED)], { environment: cluster.docker.environment })
  assert.equal(await inspect(cluster, KILLED, '{{.State.Status}} {{.State.ExitCode}}'), 'exited 137')
}

async function readLogs(cluster: Cluster): Promise<void> {
  assert.ok(cluster.run !== undefined, 'no run has succeeded')
  const lines: { message: string }[] = JSON.parse(await carillon(cluster, 'logs', cluster.run))
  assert.ok(lines.length > 0, 'no log line')
  assert.ok(lines.some(({ message }) => message.includes('greeted')))
}

async function takeDown(cluster: Cluster): Promise<void> {
  await compose(cluster, 'down', '-v', '--remove-orphans')
  for (const kind of [
    ['ps', '-aq'],
    ['volume', 'ls', '-q'],
    ['network', 'ls', '-q'],
  ]) {
    const filter = ['--filter', `label=com.docker.compose.project=${PROJECT}`]
    assert.equal(await runCommand(['docker', ...kind, ...filter], { environment: cluster.docker.environment }), '', `docker ${kind[0]}`)
  }
}

/** CARILLON_PORT, else 4222, else a free one where 4222 is taken. */
async function choosePort(): Promise<number> {
  const { CARILLON_PORT } = process.env
  if (CARILLON_PORT !== undefined) return Number(CARILLON_PORT)
  const server = createServer()
  const free = await new Promise<boolean>((resolve) =>
    server.once('error', () => resolve(false)).listen(4222, '127.0.0.1', () => resolve(true)),
  )
  await new Promise((resolve) => server.close(resolve))
  return free ? 4222 : freePort()
}

async function perform(cluster: Cluster, interruption: AbortSignal): Promise<{ passed: number; failed: number }> {
  const count = { passed: 0, failed: 0 }
  for (const { what, act, decisive } of STEPS) {
    const began = Date.now()
    try {
      await act(cluster)
      count.passed++
      say(`✓ ${what} (${((Date.now() - began) / 1000).toFixed(1)} s)`)
    } catch (error) {
      count.failed++
      say(`✗ ${what}: ${(error as Error).message}`)
      if (interruption.aborted) break
      say(await compose(cluster, 'logs', '--no-color', '--tail', '20').catch((cause: Error) => cause.message))
      if (decisive) break
    }
  }
  return count
}

async function main(): Promise<{ passed: number; failed: number }> {
  const docker = await findDocker(say)
  if ('skipped' in docker) {
    say(`skipped: ${docker.skipped}`)
    return { passed: 0, failed: process.env['CI'] === 'true' ? 1 : 0 }
  }
  say(`with ${docker.kind}`)
  if (!existsSync('cli/dist/main.js')) await runCommand(['npm', 'run', '--silent', 'build'], { timeoutMs: 5 * 60_000 })
  const cluster: Cluster = { docker, port: await choosePort() }
  const interruption = new AbortController()
  // The step that runs fails by it: its command gets the signal too.
  process.on('SIGINT', () => interruption.abort()).on('SIGTERM', () => interruption.abort())
  try {
    return await perform(cluster, interruption.signal)
  } finally {
    await compose(cluster, 'down', '-v', '--remove-orphans').catch((error: Error) => say(error.message))
    await docker.stop()
  }
}

const { passed, failed } = await main()
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
