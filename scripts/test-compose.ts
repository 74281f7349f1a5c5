/**
 * `npm run test:compose`: docker-compose.yml for real. Builds the image, brings the cluster up, logs in, fires a job from outside, hangs and
 * kills a coordinator, fires again, reads logs, restarts and takes everything down.
 *
 * Without a Docker engine and base images to be had it is skipped; in CI (`CI=true`) that is a failure.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Docker, findDocker } from './compose/docker.ts'
import { freePort } from './mongodb/ports.ts'
import { runCommand } from './run-command.ts'

const PROJECT = 'carillon-test'
const IMAGE = 'carillon-test'
const HEALTHY_MS = 180_000
const FOUND_MS = 60_000
/** How many containers each has. */
const SERVICES = { nats: 1, mongodb: 1, registry: 1, coordinator: 2, logger: 2, gateway: 2, demo: 1 }
type Service = keyof typeof SERVICES
const NAMES = Object.keys(SERVICES) as Service[]

/** What the steps act on; `run` is the last run that succeeded. */
interface Cluster {
  docker: Docker
  port: number
  /** Of the gateways: this one and the next. */
  httpPort: number
  /** Of the broker, as the documents say how to get it. */
  password?: string
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
  { what: 'no container runs as root, each has limits of memory and log', act: mustBeLocked },
  { what: 'the broker lets nobody in without a password', act: mustRefuse },
  { what: 'a job fired from outside succeeds', act: fire },
  { what: 'both gateways answer', act: askGateways },
  { what: 'a coordinator that hangs is ill, the one beside it is not', act: hangCoordinator },
  { what: 'a coordinator is killed', act: killCoordinator },
  { what: 'a job succeeds without it', act: fire },
  { what: 'the doctor misses it', act: mustBeMissed },
  { what: 'the logs of that run can be read', act: readLogs },
  { what: 'everything comes back after a restart, with the same passwords', act: restart },
  { what: 'a job succeeds then', act: fire },
  { what: 'down leaves nothing', act: takeDown },
]

async function buildImage({ docker }: Cluster): Promise<void> {
  await runCommand(['docker', 'build', ...docker.buildOptions, '-t', IMAGE, '.'], {
    environment: docker.environment,
    timeoutMs: 15 * 60_000,
  })
}

function compose({ docker, port, httpPort }: Cluster, ...options: string[]): Promise<string> {
  const files = docker.files.flatMap((file) => ['-f', file])
  const environment = {
    ...docker.environment,
    CARILLON_PORT: String(port),
    CARILLON_HTTP_PORTS: `${httpPort}-${httpPort + 1}`,
    CARILLON_IMAGE: IMAGE,
  }
  return runCommand([...docker.compose, '-p', PROJECT, ...files, ...options], { environment, timeoutMs: HEALTHY_MS })
}

async function comeUp(cluster: Cluster): Promise<void> {
  await compose(cluster, 'up', '-d', '--no-build')
  const deadline = Date.now() + HEALTHY_MS
  for (;;) {
    const states = await Promise.all(
      NAMES.map(async (service) => {
        const found = await inspect(cluster, service, '{{.State.Health.Status}}')
        const well = found.filter((state) => state === 'healthy')
        return well.length === SERVICES[service] ? [] : [`${service} is ${found.join(' and ') || 'not there'}`]
      }),
    )
    const ill = states.flat()
    if (ill.length === 0) return
    if (Date.now() > deadline) throw new Error(ill.join(', '))
    await sleep(500)
  }
}

async function inspect(cluster: Cluster, service: Service, format: string): Promise<string[]> {
  const containers = await containersOf(cluster, service)
  const command = ['docker', 'inspect', '--format', format, ...containers]
  const text = containers.length === 0 ? '' : await runCommand(command, { environment: cluster.docker.environment })
  return text.trim().split('\n').filter(Boolean)
}

async function containersOf({ docker }: Cluster, service: Service): Promise<string[]> {
  const labels = [`com.docker.compose.project=${PROJECT}`, `com.docker.compose.service=${service}`]
  const filters = labels.flatMap((label) => ['--filter', `label=${label}`])
  const ids = await runCommand(['docker', 'ps', '-aq', ...filters], { environment: docker.environment })
  return ids.trim().split('\n').filter(Boolean)
}

async function mustBeLocked(cluster: Cluster): Promise<void> {
  for (const service of NAMES) {
    for (const user of await inspect(cluster, service, '{{.Config.User}}'))
      assert.ok(!['', '0', 'root'].includes(user.split(':')[0]!), `${service} runs as ${user || 'root'}`)
    for (const limits of await inspect(cluster, service, '{{.HostConfig.Memory}} {{index .HostConfig.LogConfig.Config "max-size"}}'))
      assert.match(limits, /^[1-9]\d+ 10m$/, `limits of ${service}`)
  }
}

/** As docs/OPERATIONS.md says it. */
async function passwordOf(cluster: Cluster): Promise<string> {
  return (await compose(cluster, 'exec', '-T', 'registry', 'cat', '/run/carillon/nats-password')).trim()
}

async function mustRefuse(cluster: Cluster): Promise<void> {
  await assert.rejects(carillon(cluster, 'jobs', 'list'), /AUTH_FAILED/)
  cluster.password = await passwordOf(cluster)
  assert.match(cluster.password, /^[0-9a-f]{48}$/)
}

async function hangCoordinator(cluster: Cluster): Promise<void> {
  const [hung = '', other = ''] = await containersOf(cluster, 'coordinator')
  const { environment } = cluster.docker
  const inside = (container: string, ...command: string[]) => runCommand(['docker', 'exec', container, ...command], { environment })
  const health = ['carillon', 'health', 'coordinator', '--socket', '/tmp/carillon.sock']
  await inside(hung, 'sh', '-c', 'kill -STOP -1')
  await assert.rejects(inside(hung, ...health), /CALL_TIMEOUT/)
  await inside(other, ...health)
  await inside(hung, 'sh', '-c', 'kill -CONT -1')
  await inside(hung, ...health)
}

/** They serve the console, and let nobody in without an account. */
async function askGateways({ httpPort }: Cluster): Promise<void> {
  for (const port of [httpPort, httpPort + 1]) {
    const url = `http://127.0.0.1:${port}`
    assert.match(await (await fetch(url)).text(), /<html/i, `the console at ${url}`)
    assert.equal((await fetch(`${url}/api/v1/namespaces/default/jobs`)).status, 401)
  }
}

/** The CLI on this machine, outside of the cluster. */
function carillon({ port, password }: Cluster, ...options: string[]): Promise<string> {
  return runCommand(['npx', '--no-install', 'carillon', ...options, '--json'], {
    environment: {
      CARILLON_NATS_URL: `nats://127.0.0.1:${port}`,
      ...(password === undefined ? {} : { CARILLON_NATS_USER: 'carillon', CARILLON_NATS_PASSWORD: password }),
    },
  })
}

async function fire(cluster: Cluster): Promise<void> {
  const name = `guest after ${cluster.run ?? 'nobody'}`
  const run = JSON.parse(await carillon(cluster, 'run', 'hello', JSON.stringify({ name })))
  assert.equal(run.state, 'succeeded')
  assert.deepEqual(run.result, { greeting: `Hello, ${name}!` })
  cluster.run = run.runId
}

async function killCoordinator(cluster: Cluster): Promise<void> {
  const [killed = ''] = await containersOf(cluster, 'coordinator')
  await runCommand(['docker', 'kill', '--signal', 'KILL', killed], { environment: cluster.docker.environment })
  assert.ok((await inspect(cluster, 'coordinator', '{{.State.Status}} {{.State.ExitCode}}')).includes('exited 137'))
}

async function mustBeMissed(cluster: Cluster): Promise<void> {
  const deadline = Date.now() + FOUND_MS
  for (;;) {
    // It ends with 1, and what it found is in what it says.
    const report = await carillon(cluster, 'doctor').catch((error: Error) => error.message)
    if (report.includes('1 coordinator of 2 that lived')) return
    if (Date.now() > deadline) throw new Error(`the doctor does not miss it: ${report}`)
    await sleep(1_000)
  }
}

async function restart(cluster: Cluster): Promise<void> {
  await compose(cluster, 'down')
  await comeUp(cluster)
  assert.equal(await passwordOf(cluster), cluster.password)
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
  const cluster: Cluster = { docker, port: await choosePort(), httpPort: await freePort() }
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
