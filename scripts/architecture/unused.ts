import type { Tree, Violation } from './rules.ts'
import type { SourceFile } from './source-files.ts'

const EXPORT = /^export (?:async )?(?:abstract )?(?:function\*?|const|let|class|interface|type) (\w+)/
/** A type is exported so that others can name what a function takes: nobody has to. */
const VALUE = /^export (?:async )?(?:abstract )?(?:function\*?|const|let|class) /

/** Values that are exported and that no other file imports: dead, or private. Entries are for strangers, and not judged. */
export function unusedExports({ files }: Tree): Violation[] {
  const imported = new Set(files.flatMap(({ imports }) => imports.flatMap(({ file, names }) => names.map((name) => `${file} ${name}`))))
  const wholes = new Set(files.flatMap(({ imports }) => imports.filter(isWhole).map(({ file }) => file)))
  return files.filter((file) => !isEntry(file) && !wholes.has(file.path)).flatMap((file) => unusedOf(file, imported))
}

const isEntry = ({ path }: SourceFile) => path.endsWith('/index.ts') || path.endsWith('.test.ts')
/** `import * as name` and `import('…')` may use anything. */
const isWhole = ({ names, isDynamic }: { names: readonly string[]; isDynamic: boolean }) =>
  isDynamic || names.some((name) => name.startsWith('*'))

function unusedOf(file: SourceFile, imported: ReadonlySet<string>): Violation[] {
  return file.lines.flatMap((line, index) => {
    const name = EXPORT.exec(line)?.[1]
    if (name === undefined || !VALUE.test(line) || imported.has(`${file.path} ${name}`)) return []
    return [{ rule: 'unused export', where: `${file.path}:${index + 1}`, what: `${name} is imported nowhere` }]
  })
}

/** Dependencies that no file of their package imports. */
export function unusedDependencies({ files, workspaces }: Tree): Violation[] {
  return workspaces.flatMap(({ folder, dependencies }) => {
    const used = files.filter(({ home }) => home === folder).flatMap(({ imports }) => imports.map(({ from }) => from))
    return dependencies
      .filter((name) => !used.some((from) => from === name || from.startsWith(`${name}/`)))
      .filter((name) => !KEPT.includes(name))
      .map((name) => ({ rule: 'unused dependency', where: `${folder}/package.json`, what: `${name} is imported nowhere` }))
  })
}

/** Nest loads its microservices and rxjs by itself, and wants them installed beside it. */
const KEPT = ['@nestjs/microservices', 'rxjs', 'reflect-metadata']
