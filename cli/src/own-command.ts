import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The part of `process` from which the way it was started is derived. */
interface Started {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Works everywhere: npx runs what is installed, and fetches what is not. Errors of the mesh use it. */
const ANYWHERE = 'npx @carillon/cli'

/** How the user may start this command again: a suggested command must work where it is read. */
export function ownCommand({ argv, env }: Started): string {
  // npx has fetched it into a folder of its own.
  if (/[\\/]_npx[\\/]/.test(argv[1] ?? '')) return ANYWHERE
  // Within npx and the scripts of a project the path leads into node_modules; in the shell around it does not.
  if (env['npm_command'] !== undefined) return 'npx carillon'
  const isOnPath = (env['PATH'] ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, 'carillon')))
  return isOnPath ? 'carillon' : 'npx carillon'
}

export const CARILLON = ownCommand(process)

/** A hint, also of a service, with the commands in it as they are typed here. */
export const asTyped = (hint: string): string => hint.replaceAll(ANYWHERE, CARILLON)
