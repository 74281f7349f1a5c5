import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder and those above it, where missing. Not `mkdir` with `recursive: true`: in Node 24 that never returns where the system
 * refuses with ENOENT, as below /proc.
 * @throws Error of the file system
 */
export function createFolder(folder: string): void {
  const path = resolve(folder)
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory()) return
  if (found !== undefined) throw new Error(`${path} is no folder`)
  createFolder(dirname(path))
  try {
    mkdirSync(path)
  } catch (error) {
    // Another process has just created it.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
