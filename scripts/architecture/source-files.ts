import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** One place where a file names another module. */
export interface Import {
  readonly line: number
  readonly from: string
  readonly isType: boolean
  /** `import('…')` in the middle of the code: loaded when it is wanted. */
  readonly isDynamic: boolean
  /** A relative import as a path from the repository's root. */
  readonly file: string | undefined
  readonly names: readonly string[]
}

/** A TypeScript file of a workspace, seen as the rules see it. */
export interface SourceFile {
  readonly path: string
  /** The workspace's folder, such as `services/registry`. */
  readonly home: string
  readonly lines: readonly string[]
  /** The lines with comments and the contents of strings blanked: what is left is code. Templates stay, for what they evaluate. */
  readonly code: readonly string[]
  readonly imports: readonly Import[]
  /** Written for tests only. */
  readonly isTest: boolean
}

/** What a workspace's package.json says, as far as the rules need it. */
export interface Workspace {
  readonly folder: string
  readonly name: string
  readonly entries: readonly string[]
  readonly dependencies: readonly string[]
  readonly version: string
  /** Of each dependency. */
  readonly versionOf: Readonly<Record<string, string>>
}

const TEST_FILE = /\.test\.tsx?$|(^|\/)test(ing)?-|(^|\/)testing\/|^(test|bench|examples)\//
// One statement may span lines; its specifier ends it.
const STATEMENT = /^(?:import|export)\s(type\s)?(?:([^'";]*?)\sfrom\s)?'([^']+)'/gm
const DYNAMIC = /\bimport\('([^']+)'\)/g

export function readWorkspaces(): Workspace[] {
  const { workspaces } = JSON.parse(readFileSync('package.json', 'utf8')) as { workspaces: string[] }
  return workspaces.map((folder) => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      name: string
      version: string
      exports?: Record<string, unknown>
      dependencies?: Record<string, string>
    }
    const { name, version, exports = {}, dependencies = {} } = manifest
    return { folder, name, entries: Object.keys(exports), dependencies: Object.keys(dependencies), version, versionOf: dependencies }
  })
}

export function readSourceFiles(workspaces: readonly Workspace[]): SourceFile[] {
  return workspaces.flatMap(({ folder }) =>
    globSync(`${folder}/src/**/*.{ts,tsx}`)
      .sort()
      .map((path) => readSourceFile(path, folder)),
  )
}

function readSourceFile(path: string, home: string): SourceFile {
  const text = readFileSync(path, 'utf8')
  return {
    path,
    home,
    lines: text.split('\n'),
    code: codeOf(text).split('\n'),
    imports: importsOf(text, path),
    isTest: TEST_FILE.test(path),
  }
}

function importsOf(text: string, path: string): Import[] {
  const statements = [...text.matchAll(STATEMENT)].map((match) => {
    const [, type, names = '', from = ''] = match
    return { at: match.index, from, isType: type !== undefined || onlyTypes(names), isDynamic: false, names: namesOf(names) }
  })
  const dynamic = [...text.matchAll(DYNAMIC)].map((match) => {
    const before = text.slice(text.lastIndexOf('\n', match.index) + 1, match.index)
    const isType = /\btypeof\s*$|[:<|]\s*$/.test(before)
    return { at: match.index, from: match[1] ?? '', isType, isDynamic: true, names: [] as string[] }
  })
  return [...statements, ...dynamic].map(({ at, ...rest }) => ({
    ...rest,
    line: text.slice(0, at).split('\n').length,
    file: rest.from.startsWith('.') ? normalize(join(dirname(path), rest.from)) : undefined,
  }))
}

/** `{ type A, type B }` brings nothing at run time. */
function onlyTypes(names: string): boolean {
  const inner = /^\{([\s\S]*)\}$/.exec(names.trim())?.[1]
  if (inner === undefined) return false
  return inner
    .split(',')
    .filter((part) => part.trim() !== '')
    .every((part) => part.trim().startsWith('type '))
}

/** The exported names that a statement mentions; what it calls them does not matter. */
function namesOf(names: string): string[] {
  return names
    .replace(/[{}]/g, '')
    .split(',')
    .map((part) =>
      part
        .trim()
        .replace(/^type\s+/, '')
        .replace(/\s+as\s+.*$/, ''),
    )
    .filter((name) => name !== '')
}

const NOT_CODE = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g

function codeOf(text: string): string {
  return text.replace(NOT_CODE, (piece) => piece.replace(/[^\n]/g, ' '))
}
