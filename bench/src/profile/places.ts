import { existsSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Frame, PlaceOf } from './tables.ts'

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url))

/**
 * Answers `file:line` of functions: of ours in the source, relative to the repository, of other JavaScript as it is installed, of Go below its module.
 */
export function placesOf(): PlaceOf {
  const maps = new Map<string, SourceMap | undefined>()
  return (frame) => {
    const path = pathOf(frame.file)
    if (path === undefined) return `${goFile(frame.file)}:${frame.line}`
    if (!maps.has(path)) maps.set(path, mapOf(path))
    const source = sourceOf(maps.get(path), path, frame)
    return `${relative(REPOSITORY, source.path)}:${source.line}`
  }
}

/** V8 names ES modules by URL and CommonJS modules by path. */
function pathOf(file: string): string | undefined {
  if (file.startsWith('file:')) return fileURLToPath(file)
  return file.startsWith(REPOSITORY) ? file : undefined
}

/** Bundles have no map beside them. */
function mapOf(path: string): SourceMap | undefined {
  const file = `${path}.map`
  return existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined
}

function sourceOf(map: SourceMap | undefined, path: string, { line, column }: Frame): { path: string; line: number } {
  const entry = map?.findEntry(line - 1, column - 1)
  if (!entry || !('originalSource' in entry)) return { path, line }
  const { originalSource, originalLine } = entry
  const isUrl = originalSource.startsWith('file:')
  return { path: isUrl ? fileURLToPath(originalSource) : resolve(dirname(path), originalSource), line: originalLine + 1 }
}

/** Without the folders of the machine that built it: `github.com/nats-io/nats-server/v2@v2.15.2/server/client.go`, `runtime/proc.go`. */
const goFile = (file: string) => file.replace(/^\/.*\/(?:pkg\/mod|src)\//, '')
