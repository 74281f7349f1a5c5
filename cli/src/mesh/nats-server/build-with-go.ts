import { join } from 'node:path'
import type { FindContext, Outcome } from './finding.ts'
import { BINARY_NAME, checkBinary, locateCommand } from './installed-binary.ts'
import { runCommand } from './run-command.ts'
import { PINNED_VERSION } from './version.ts'

const MODULE = `github.com/nats-io/nats-server/v2@v${PINNED_VERSION}`

/** Builds the pinned version from the Go module proxy, with everything Go writes kept inside `workshop`. */
export async function buildWithGo(workshop: string, context: FindContext): Promise<Outcome> {
  const { limits, say, signal } = context
  if ((await locateCommand('go', context.environment)) === undefined) return { why: 'no go on PATH' }
  say(`building nats-server ${PINNED_VERSION} with go, about a minute`)
  const built = await runCommand('go', ['install', '-trimpath', '-ldflags=-s -w', MODULE], {
    environment: goEnvironment(workshop, context.environment),
    timeoutMs: limits.goInstallMs,
    workingDirectory: workshop,
    signal,
    onLine: (line) => line.startsWith('go: downloading') && say(line),
  })
  return built.succeeded ? await checkBinary(join(workshop, 'bin', BINARY_NAME), context) : { why: built.why }
}

function goEnvironment(workshop: string, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // A cross-compiling GOOS or GOARCH would make a server that cannot run here, and go refuses GOBIN with it.
  const { GOOS: _system, GOARCH: _architecture, ...rest } = environment
  return {
    ...rest,
    GOPATH: join(workshop, 'go'),
    GOMODCACHE: join(workshop, 'go', 'pkg', 'mod'),
    GOCACHE: join(workshop, 'go-build'),
    GOBIN: join(workshop, 'bin'),
    GOFLAGS: '',
  }
}
