/** The thread of `Checkpointer`: checkpoints the write-ahead log of the database whose path it receives, and answers after the attempt. */
import { DatabaseSync } from 'node:sqlite'
import { parentPort } from 'node:worker_threads'

parentPort?.on('message', (address: string) => {
  try {
    const database = new DatabaseSync(new URL(address))
    try {
      database.exec('pragma wal_checkpoint(passive)')
    } finally {
      database.close()
    }
  } catch {
    // Nothing is lost: the commit that finds the log too long tries again, and throws its error.
  }
  parentPort?.postMessage('done')
})
