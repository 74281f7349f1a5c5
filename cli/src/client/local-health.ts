import { createConnection } from 'node:net'
import { CarillonError, type ServiceHealth } from '@carillon/contracts'

const ANSWER_WITHIN_MS = 5_000

/** The health of the process that listens on this socket. @throws CarillonError NO_SERVICE, CALL_TIMEOUT */
export async function localHealth(path: string): Promise<ServiceHealth> {
  const text = await read(path)
  try {
    return JSON.parse(text) as ServiceHealth
  } catch (error) {
    throw new CarillonError('NO_SERVICE', `What answers at ${path} is no service: ${text.slice(0, 80)}`, { value: path, cause: error })
  }
}

function read(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = createConnection(path).setEncoding('utf8')
    socket.setTimeout(ANSWER_WITHIN_MS, () => {
      socket.destroy(
        new CarillonError('CALL_TIMEOUT', `The process at ${path} has not answered within ${ANSWER_WITHIN_MS} ms`, { value: path }),
      )
    })
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    socket.once('end', () => resolve(text))
    socket.once('error', (error) =>
      reject(
        CarillonError.is(error) ? error : new CarillonError('NO_SERVICE', `Nobody answers at ${path}: ${error.message}`, { value: path }),
      ),
    )
  })
}
