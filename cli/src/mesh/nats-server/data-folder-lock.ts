import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CarillonError } from '@carillon/contracts'
import { makeDataFolder, notWritable, readPid } from './data-folder.ts'

const SQLITE_BUSY = 5

export interface DataFolderLock {
  /** Lets the next one in; may be called twice. */
  release(): void
}

/**
 * Locks `folder` until released. The lock is a file lock of the operating system, held through an SQLite database:
 * it ends with its process, also by `kill -9`, so there is nothing to clean up by hand.
 *
 * @throws CarillonError `DATA_FOLDER_IN_USE` with the holder's pid, or `DATA_FOLDER_NOT_WRITABLE`.
 */
export function lockDataFolder(folder: string): DataFolderLock {
  const path = makeDataFolder(folder)
  // The pid is in a file of its own: to open and close the database file ourselves would drop its lock (POSIX file locks).
  const pidFile = join(path, 'carillon.pid')
  const database = openLocked(path, pidFile)
  return {
    release(): void {
      if (!database.isOpen) return
      rmSync(pidFile, { force: true })
      database.close()
    },
  }
}

function openLocked(path: string, pidFile: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(join(path, 'carillon.lock'), { timeout: 0 })
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    writeFileSync(pidFile, `${process.pid}\n`)
    return database
  } catch (error) {
    database?.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) throw inUse(path, pidFile)
    throw notWritable(path, error)
  }
}

function inUse(path: string, pidFile: string): CarillonError {
  const pid = readPid(pidFile)
  const holder = pid === undefined ? 'another process' : `process ${pid}`
  return new CarillonError('DATA_FOLDER_IN_USE', `The data folder ${path} is in use by ${holder}.`, {
    field: 'data',
    value: path,
    hint: `Stop ${holder}, or choose another folder with --data.`,
  })
}
