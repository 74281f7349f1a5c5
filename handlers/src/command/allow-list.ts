import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { basename, delimiter, dirname, isAbsolute, join, normalize, resolve } from 'node:path'
import { refusal, wrongSetting } from '../refusal.ts'

/** A program that may run: one file, or each executable file of a folder. */
interface Entry {
  /** As it was given. */
  readonly text: string
  /** Where it is found: the path of the file, which may be a link, or the real path of the folder. */
  readonly path: string
  /** Of a file: where its links lead. Undefined for a folder. */
  readonly target: string | undefined
  /** Leading arguments that a task must give. */
  readonly pinned: readonly string[]
}

export interface AllowListOptions {
  /** The name of the setting in errors. */
  readonly field: string
  /** Folders where names are searched, once: `PATH` of the executor. */
  readonly path: string
  /** Where relative paths begin. */
  readonly cwd: string
}

const HINT = 'Give names of programs, paths, or a folder and /*, separated by commas, such as rsync,/opt/scripts/*.'

/**
 * The programs that tasks may run. It limits programs, not their effects: one that runs others (`find -exec`, `rsync -e`, an interpreter) runs anything.
 * Links are followed when the list is made, and again for each task: a link that leads elsewhere meanwhile is refused.
 */
export class AllowList {
  readonly #entries: readonly Entry[]

  private constructor(entries: readonly Entry[]) {
    this.#entries = entries
  }

  /**
   * @param text entries separated by commas: a name (`rsync`), a path, or a folder and `/*`; words behind it are leading arguments that a task must give (`git pull`)
   * @throws CarillonError INVALID_REQUEST that names the setting, the entry and what is wrong with it
   */
  static parse(text: string, options: AllowListOptions): AllowList {
    return new AllowList(text.split(',').map((entry) => entryOf(entry.trim(), options)))
  }

  /** The entries as they were given. */
  get text(): string {
    return this.#entries.map(({ text }) => text).join(', ')
  }

  /**
   * The path to run for a command with these arguments.
   * @throws NonRetryableError that names `command` or `args`, and what is allowed
   */
  async resolve(command: string, args: readonly string[]): Promise<string> {
    const found = await Promise.all(this.#entries.map(async (entry) => ({ entry, path: await programOf(entry, command) })))
    const programs = found.flatMap(({ entry, path }) => (path === undefined ? [] : [{ entry, path }]))
    if (programs.length === 0) throw refusal('command', command, `This executor allows: ${this.text}.${shellHint(command)}`)
    const allowed = programs.find(({ entry }) => entry.pinned.every((word, at) => args[at] === word))
    if (allowed !== undefined) return allowed.path
    throw refusal('args', args, `This executor allows: ${programs.map(({ entry }) => entry.text).join(', ')}.`)
  }
}

const shellHint = (command: string) =>
  /\s/.test(command) ? ' No shell reads a command: give the program as command, and its arguments as the list args.' : ''

function entryOf(text: string, { field, path, cwd }: AllowListOptions): Entry {
  const [program = '', ...pinned] = text.split(/\s+/)
  if (program === '') throw wrongSetting(field, text, `An entry is empty. ${HINT}`)
  if (program.endsWith('/*')) return { text, path: folderOf(field, resolve(cwd, program.slice(0, -2) || '/')), target: undefined, pinned }
  if (program.includes('*')) throw wrongSetting(field, text, `Only a whole folder can be given by *, as in /opt/scripts/*. ${HINT}`)
  const file = program.includes('/') ? resolve(cwd, program) : search(program, path)
  if (file === undefined) throw wrongSetting(field, text, `There is no program "${program}" in PATH (${path}).`)
  if (!isProgram(file)) throw wrongSetting(field, text, `${file} is no executable file.`)
  return { text, path: canonical(file), target: realpathSync(file), pinned }
}

function folderOf(field: string, folder: string): string {
  const isFolder = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true
  if (!isFolder) throw wrongSetting(field, `${folder}/*`, `${folder} is no folder.`)
  return realpathSync(folder)
}

const search = (name: string, path: string) =>
  path
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, name))
    .find(isProgram)

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/** The path with the links of its folder followed, but not its own: programs such as busybox choose what they do by the name of the link. */
const canonical = (file: string) => join(realpathSync(dirname(file)), basename(file))

/** The path of what a command names, if the entry allows it. */
async function programOf(entry: Entry, command: string): Promise<string | undefined> {
  try {
    if (entry.target === undefined) return await memberOf(entry.path, command)
    const isNamed = isAbsolute(command)
      ? [entry.path, entry.target].includes(canonical(normalize(command)))
      : basename(entry.path) === command
    return isNamed && (await realpath(entry.path)) === entry.target ? entry.path : undefined
  } catch {
    // It does not exist, or may not be read.
    return undefined
  }
}

/** A file that is in a folder itself: neither below it nor a link that leads out of it. */
async function memberOf(folder: string, command: string): Promise<string | undefined> {
  const file = canonical(normalize(isAbsolute(command) ? command : join(folder, command)))
  const isInside = dirname(file) === folder && dirname(await realpath(file)) === folder
  return isInside && isProgram(file) ? file : undefined
}
