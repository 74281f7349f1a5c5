import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import type { FindContext, Outcome } from './finding.ts'
import { runCommand } from './run-command.ts'
import { compareVersions, parseVersion } from './version.ts'

/** The file name of the server on this platform. */
export const BINARY_NAME = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server'

/** Starts the file with `-v`: an existing file may not run here, or be too old. */
export async function checkBinary(path: string, context: FindContext): Promise<Outcome> {
  const { environment, limits, minimum, signal } = context
  const result = await runCommand(path, ['-v'], { environment, timeoutMs: limits.localMs, signal })
  if (!result.succeeded) return { why: result.why }
  const version = parseVersion(result.output)
  if (version === undefined) return { why: `${path} -v names no version` }
  if (compareVersions(version, minimum) < 0) return { why: `${path} is ${version}, older than ${minimum}` }
  return { path, version }
}

/** The first nats-server on PATH. */
export async function findOnPath(context: FindContext): Promise<Outcome> {
  const path = await locateCommand(BINARY_NAME, context.environment)
  return path === undefined ? { why: 'there is none' } : await checkBinary(path, context)
}

/** The absolute path of a command, as a shell would find it. */
export async function locateCommand(name: string, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (environment['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    const path = resolve(join(folder, name))
    if (await isExecutable(path)) return path
  }
  return undefined
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
