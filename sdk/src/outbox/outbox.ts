import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CarillonError, LIMITS, messageOf } from '@carillon/contracts'
import { type Clock, jitter, pause, randomLetters } from '@carillon/wire/internal'
import type { OnWarning } from '../warning.ts'
import { systemCode, unusable } from './outbox-errors.ts'
import { OutboxFile } from './outbox-file.ts'
import { isAlive, OwnerLock, removeLock } from './owner-lock.ts'
import { readRecords } from './records.ts'

/** Where and how a process keeps what it could not send. */
export interface OutboxSettings {
  readonly folder: string
  readonly maxBytes: number
  readonly fsync: boolean
}

/** What the outbox needs of the connection. */
export interface OutboxPort {
  readonly clock: Clock
  readonly onWarning: OnWarning
  /**
   * Sends starts, in this order.
   * @returns for each the error of one that is refused for good
   * @throws CarillonError where they may be accepted later
   */
  send(texts: readonly string[]): Promise<readonly (CarillonError | undefined)[]>
  isUp(): boolean
  onUp(listener: () => void): () => void
}

/** Between two tries to send, ms. */
const AGAIN_MS = 2_000
/** Between two searches for files of processes that have died, ms. */
const SEARCH_MS = 30_000
/** What has waited goes out slowly at first, so that a broker that has just come back is not flooded. */
const [FIRST_BATCH, LARGEST_BATCH] = [1, 256]
const OWNED = /^([0-9a-z]{12})~([0-9a-z]{12})\.outbox$/

/**
 * What this process could not send: files in a folder that it may share with others. Each file belongs to one process, by its name and by a lock. What is stored by the mesh is
 * removed after that, so it may be sent twice and is one run by its key.
 */
export class Outbox {
  readonly #settings: OutboxSettings
  readonly #port: OutboxPort
  readonly #owner = randomLetters(12)
  readonly #stopping = new AbortController()
  #lock: Promise<OwnerLock> | undefined
  #file: OutboxFile | undefined
  readonly #work: Promise<void>
  #stopped: Promise<void> | undefined
  /** How many records of a file have been sent, from its beginning. */
  readonly #sent = new Map<string, number>()
  /** Files of which records are left out. */
  readonly #damaged = new Set<string>()
  /** Files that have been warned of. */
  readonly #warned = new Set<string>()
  #isOpen = true
  #searchAt = 0
  #isWoken = false
  #endWait: () => void = () => undefined
  readonly #forgetUp: () => void

  constructor(settings: OutboxSettings, port: OutboxPort) {
    this.#settings = settings
    this.#port = port
    this.#forgetUp = port.onUp(() => this.#wake())
    this.#work = this.#drain()
  }

  /** Resolves when the text outlives this process. @throws CarillonError OUTBOX_FULL, OUTBOX_UNUSABLE, NOT_CONNECTED after `stop` */
  async append(text: string): Promise<void> {
    await this.#locked()
    if (!this.#isOpen) throw new CarillonError('NOT_CONNECTED', 'The outbox was closed')
    await this.#restore()
    this.#file ??= this.#newFile()
    await this.#file.append(text)
    this.#wake()
  }

  #newFile(): OutboxFile {
    return new OutboxFile(join(this.#settings.folder, `${this.#owner}~${randomLetters(12)}.outbox`), this.#settings)
  }

  /** Somebody may have moved the file, who has it then, or removed it: what it holds was answered, and is written again. */
  async #restore(): Promise<void> {
    const file = this.#file
    if (!file || file.isThere) return
    const content = file.lost
    this.#file = undefined
    if (content !== undefined) {
      const { folder } = this.#settings
      try {
        makeFolder(folder)
        this.#file = this.#newFile()
        await this.#file.write(content)
      } catch (error) {
        this.#file = file
        throw error
      }
      this.#warn(`${file.path} was removed while it held ${content.length} bytes: they are in ${this.#file.path} now`)
    }
    this.#sent.delete(file.path)
    await file.close()
  }

  /** What could not be sent stays in the folder, for the next process. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#isOpen = false
    this.#forgetUp()
    this.#stopping.abort()
    this.#wake()
    await this.#work
    await this.#restore().catch((error: unknown) => this.#warn(messageOf(error), 'OUTBOX_UNUSABLE'))
    const { path, size = 0 } = this.#file ?? {}
    await this.#file?.close()
    if (path !== undefined && size === 0) rmSync(path, { force: true })
    await (await this.#lock?.catch(() => undefined))?.release()
  }

  /** One that is damaged takes nothing more. */
  async #leaveFile(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  /** Before a file of this process is there, its lock is. */
  async #locked(): Promise<void> {
    this.#lock ??= this.#takeLock()
    try {
      await this.#lock
    } catch (error) {
      this.#lock = undefined
      throw error
    }
  }

  async #takeLock(): Promise<OwnerLock> {
    makeFolder(this.#settings.folder)
    return OwnerLock.take(this.#settings.folder, this.#owner)
  }

  /** Until `stop`. */
  async #drain(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#isWoken = false
      const isEmpty = this.#port.isUp() && (await this.#drainOnce())
      if (!isEmpty || !this.#isWoken) await this.#waited(isEmpty ? SEARCH_MS : jitter(AGAIN_MS))
    }
  }

  /** Waits, or until the connection is back. */
  async #waited(ms: number): Promise<void> {
    if (this.#stopping.signal.aborted) return
    const woken = new AbortController()
    this.#endWait = () => woken.abort()
    await pause(this.#port.clock, ms, woken.signal)
    this.#endWait = () => undefined
  }

  #wake(): void {
    this.#isWoken = true
    this.#endWait()
  }

  /** @returns whether everything was sent */
  async #drainOnce(): Promise<boolean> {
    try {
      await this.#restore()
      await this.#adopt()
      let isEmpty = true
      for (const name of this.#names()) {
        if (OWNED.exec(name)?.[1] !== this.#owner) continue
        if (!(await this.#sendFile(join(this.#settings.folder, name)))) isEmpty = false
        if (this.#stopping.signal.aborted) return false
      }
      return isEmpty
    } catch (error) {
      const failure = CarillonError.from(error)
      if (!failure.retry) this.#warnOnce(this.#settings.folder, failure)
      return false
    }
  }

  /** One that cannot be read, or removed, holds up no other. @returns whether it was sent @throws CarillonError of the mesh */
  async #sendFile(path: string): Promise<boolean> {
    try {
      if (path === this.#file?.path) await this.#sendOwn(this.#file)
      else await this.#sendAdopted(path)
      return true
    } catch (error) {
      if (CarillonError.is(error) && error.code !== 'OUTBOX_UNUSABLE') throw error
      this.#warnOnce(path, error)
      return false
    }
  }

  /** What is appended meanwhile is sent, too. */
  async #sendOwn(file: OutboxFile): Promise<void> {
    while (file.size > 0) {
      const { texts, rest } = readRecords(readFileSync(file.path))
      // A record that was damaged since is not counted any more.
      if (texts.length < (this.#sent.get(file.path) ?? 0)) this.#sent.delete(file.path)
      if (rest !== 'none') {
        await this.#leaveFile()
        return this.#sendAdopted(file.path)
      }
      if (texts.length === this.#sent.get(file.path)) {
        file.clear()
        this.#sent.delete(file.path)
      } else await this.#send(file.path, texts)
    }
  }

  async #sendAdopted(path: string): Promise<void> {
    const { texts, rest } = readRecords(readFileSync(path))
    // Places behind a damaged one have changed, and what is sent twice is one run.
    if (rest === 'damaged' && !this.#damaged.has(path)) this.#sent.delete(path)
    if (rest === 'damaged') this.#damaged.add(path)
    await this.#send(path, texts)
    this.#sent.delete(path)
    if (rest === 'none' || rest === 'torn') return rmSync(path, { force: true })
    const aside = `${path.slice(0, -'.outbox'.length)}.damaged`
    renameSync(path, aside)
    this.#damaged.delete(path)
    const why =
      rest === 'version'
        ? `another version of the SDK has written it: the ${texts.length} records before that have been sent`
        : `something in it is damaged: the ${texts.length} records that are whole have been sent`
    this.#warn(`${aside} is kept for a person, because ${why}`, 'OUTBOX_UNUSABLE')
  }

  async #send(path: string, texts: readonly string[]): Promise<void> {
    for (let size = FIRST_BATCH; ; size = Math.min(LARGEST_BATCH, size * 2)) {
      const sent = this.#sent.get(path) ?? 0
      const part = texts.slice(sent, sent + size)
      if (part.length === 0) return
      if (this.#stopping.signal.aborted) throw new CarillonError('NATS_UNAVAILABLE', 'The process is stopping')
      const outcomes = await this.#port.send(part)
      for (const [i, refusal] of outcomes.entries()) if (refusal) this.#refused(path, part[i] as string, refusal)
      this.#sent.set(path, sent + part.length)
    }
  }

  /** For a person: what the mesh will not take is kept beside, as a line of JSON. */
  #refused(path: string, text: string, refusal: CarillonError): void {
    const beside = `${path.slice(0, -'.outbox'.length)}.refused`
    appendFileSync(beside, `{"error":${JSON.stringify(refusal.toBody())},"start":${asJson(text)}}\n`, { mode: 0o600 })
    this.#warn(`A call in the outbox was refused, and is kept in ${beside}: ${refusal.message}`, refusal.code)
  }

  /** Files of processes that have died become those of this one: of two that try, one succeeds. */
  async #adopt(): Promise<void> {
    const { clock } = this.#port
    if (clock.monotonic() < this.#searchAt) return
    this.#searchAt = clock.monotonic() + SEARCH_MS
    const { folder } = this.#settings
    const alive = new Map<string, Promise<boolean>>()
    for (const name of this.#names()) {
      const [, owner, file] = OWNED.exec(name) ?? []
      if (owner === undefined || owner === this.#owner) continue
      const lives = alive.get(owner) ?? isAlive(folder, owner)
      alive.set(owner, lives)
      if (await lives) continue
      await this.#locked()
      try {
        renameSync(join(folder, name), join(folder, `${this.#owner}~${file}.outbox`))
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') {
          this.#warnOnce(join(folder, name), error)
          continue
        }
      }
      removeLock(folder, owner)
    }
  }

  #names(): string[] {
    try {
      return readdirSync(this.#settings.folder)
        .filter((name) => OWNED.test(name))
        .sort()
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return []
      throw unusable(this.#settings.folder, error)
    }
  }

  /** It is tried again all the time. */
  #warnOnce(path: string, error: unknown): void {
    if (this.#warned.has(path)) return
    this.#warned.add(path)
    this.#warn(`${path} is left, and tried again: ${messageOf(error)}`, 'OUTBOX_UNUSABLE')
  }

  #warn(message: string, code?: string): void {
    this.#port.onWarning({ code: 'outbox', message: code === undefined ? message : `${message} (${code})` })
  }
}

/** A line is JSON, whatever a program has written into a file. */
function asJson(text: string): string {
  try {
    JSON.parse(text)
    return text
  } catch {
    return JSON.stringify(text)
  }
}

/** Bytes of one file: more than a thousand of the largest calls, and hours of small ones. */
export const OUTBOX_BYTES = 64 * LIMITS.messageBytes

/** @throws CarillonError OUTBOX_UNUSABLE */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return
    if (systemCode(error) !== 'ENOENT' || dirname(folder) === folder) throw unusable(folder, error)
    makeFolder(dirname(folder))
    makeFolder(folder)
  }
}
