import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Cleanup } from './cleanup.ts'
import { launch, type TestProcess } from './processes.ts'

const BESIDE = fileURLToPath(new URL('../../../../shared/bin/nats', import.meta.url))

/** The plain NATS command line: on PATH, else beside the repository. */
function findNatsCli(): string | undefined {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'nats'))
  return [...onPath, BESIDE].find((path) => existsSync(path))
}

/** Why its tests cannot run here; false when they can. In CI they must. */
export const SKIP_WITHOUT_NATS_CLI = findNatsCli() === undefined && process.env['CI'] !== 'true' ? 'no `nats` on PATH' : false

export interface NatsCliOutcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export function natsCli(cleanup: Cleanup, url: string) {
  const binary = findNatsCli()
  if (binary === undefined) throw new Error('in CI the tests of the NATS command line must run: put `nats` on PATH')
  // Its settings are those of the user who runs the tests; a home of its own keeps them out.
  const env = { HOME: cleanup.folder(), NO_COLOR: '1' }
  const start = (...args: string[]): TestProcess => launch(cleanup, [binary, '--server', url, ...args], { env })
  return {
    start,
    run: async (...args: string[]): Promise<NatsCliOutcome> => {
      const launched = start(...args)
      const { code } = await launched.exited
      return { code, stdout: launched.stdout(), stderr: launched.stderr() }
    },
  }
}
