import { accessSync, constants, readFileSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { CarillonError, printable } from '@carillon/contracts'
import { createFolder } from '@carillon/store'

/**
 * Creates the folder where needed and returns its real path: one folder has one name, however it was reached.
 *
 * @throws CarillonError `DATA_FOLDER_NOT_WRITABLE`
 */
export function makeDataFolder(folder: string): string {
  const path = resolve(folder)
  try {
    createFolder(path)
    accessSync(path, constants.W_OK | constants.X_OK)
    return realpathSync(path)
  } catch (error) {
    throw notWritable(path, error)
  }
}

export function notWritable(path: string, cause: unknown): CarillonError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new CarillonError('DATA_FOLDER_NOT_WRITABLE', `The data folder ${path} cannot be written: ${reason}`, {
    field: 'data',
    value: printable(path),
    hint: 'Check its permissions and the free disk space, or choose another folder with --data.',
    cause,
  })
}

/** The number in a pid file; undefined when there is no such file or it is being written. */
export function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10)
    return pid > 0 ? pid : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
