import type { ErrorBody } from '@carillon/contracts'

/** The first with SQLite without a flag. */
const [OLDEST_MAJOR, OLDEST_MINOR] = [22, 13]

/**
 * The error, and its stream, when this Node.js is too old; undefined when it is not. Imports nothing: other files may need what is missing.
 * @param version as in `process.versions.node`
 */
export function nodeRefusal(version: string, words: readonly string[]): { stream: 'stdout' | 'stderr'; text: string } | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > OLDEST_MAJOR || (major === OLDEST_MAJOR && minor >= OLDEST_MINOR)) return undefined
  const error = {
    code: 'INVALID_CONFIG',
    message: `carillon needs Node ${OLDEST_MAJOR}.${OLDEST_MINOR} or newer; this is Node ${version}`,
    retry: false,
    field: 'node',
    value: JSON.stringify(version),
    hint: 'Install a newer Node. In a clone of the repository, npx carillon brings one along.',
  } satisfies ErrorBody
  if (words.includes('--json')) return { stream: 'stdout', text: `${JSON.stringify({ error })}\n` }
  const { code, message, field, value, hint } = error
  return { stream: 'stderr', text: `error ${code}: ${message}\n  field: ${field}\n  value: ${value}\n  hint: ${hint}\n` }
}
