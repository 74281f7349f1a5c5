import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useMessages } from '../../../language/language-context.tsx'
import { Button } from '../../../parts/button.tsx'
import { ScrollBox } from '../../../parts/scroll-box.tsx'
import { EmptyState, ErrorState } from '../../../parts/states.tsx'
import { LogAnnouncer } from './log-announcer.tsx'
import { LogDetail } from './log-detail.tsx'
import { LogRow } from './log-row.tsx'
import type { LogSource } from './log-source.ts'
import type { LineRange } from './log-text.ts'
import styles from './log-view.module.css'

/** Fixed: measured heights make a list of 100,000 lines jump. */
const ROW_PX = 20
const OVERSCAN = 20

export interface LogViewProps {
  readonly source: LogSource
  /** Lines that the URL names. */
  readonly range: LineRange | undefined
  readonly onSelect: (range: LineRange | undefined) => void
  /** New lines come: the view begins at the end. */
  readonly isOpen: boolean
  readonly isFiltered: boolean
  /** Several tasks write into it. */
  readonly hasTasks: boolean
}

export function LogView({ source, range, onSelect, isOpen, isFiltered, hasTasks }: LogViewProps): ReactNode {
  const { run } = useMessages()
  const box = useRef<HTMLElement>(null)
  const { buffer, snapshot } = source
  const count = buffer.lines.length
  const [isFollowing, setFollowing] = useState(isOpen && range === undefined)
  const [seen, setSeen] = useState(0)
  const rows = useVirtualizer({ count, getScrollElement: () => box.current, estimateSize: () => ROW_PX, overscan: OVERSCAN })
  const heading = useRef<Heading>(undefined)
  const goTo = (line: number) => {
    setFollowing(false)
    heading.current = undefined
    rows.scrollToIndex(Math.max(0, Math.min(line, count - 1)), { align: 'center' })
  }
  useEffect(() => {
    if (isFollowing) setSeen(count)
  }, [isFollowing, count])
  useLayoutEffect(() => {
    const element = box.current
    if (isFollowing && element !== null && count > 0) element.scrollTop = element.scrollHeight
  }, [isFollowing, count])
  useOpening({ source, range, isOpen, goTo })
  const follow = useFollowing({ box: () => box.current, heading, setFollowing })
  const select = (index: number, isExtended: boolean) => {
    const line = index + 1 + buffer.dropped
    onSelect(
      isExtended && range !== undefined ? { from: Math.min(range.from, line), to: Math.max(range.from, line) } : { from: line, to: line },
    )
  }
  if (snapshot.error !== undefined && count === 0) return <ErrorState error={snapshot.error} onRetry={() => source.resync()} />
  return (
    <div className={styles['log']}>
      <LogAnnouncer source={source} />
      <ScrollBox ref={box} className={styles['box']} name={run.log.name} {...follow}>
        {/* A thousand lines a second would flood a screen reader: the announcer says how many came. */}
        <div role="log" aria-live="off" className={styles['lines']} style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start }) => (
            <LogRow
              key={keyOf(source, index)}
              line={buffer.lines[index]}
              number={index + 1 + buffer.dropped}
              top={start}
              range={range}
              hasTasks={hasTasks}
              onSelect={(isExtended) => select(index, isExtended)}
            />
          ))}
        </div>
        {count === 0 && snapshot.isComplete && <EmptyState title={isFiltered ? run.log.emptyFiltered : run.log.empty} />}
      </ScrollBox>
      <LogFoot source={source} isFollowing={isFollowing} fresh={count - seen} onFollow={() => setFollowing(true)} onError={goTo} />
      {range !== undefined && <LogDetail source={source} range={range} onClose={() => onSelect(undefined)} />}
    </div>
  )
}

function keyOf({ buffer }: LogSource, index: number): string {
  const line = buffer.lines[index]
  return line === undefined ? `none ${index}` : `${line.taskId} ${line.attempt} ${line.seq}`
}

interface OpeningOptions extends Pick<LogViewProps, 'source' | 'range' | 'isOpen'> {
  readonly goTo: (line: number) => void
}

/** Once, when the log is there: the lines of the link; else, of a run that has ended, its first error. */
function useOpening({ source, range, isOpen, goTo }: OpeningOptions): void {
  const opened = useRef<LogSource>(undefined)
  const { isComplete } = source.snapshot
  const count = source.buffer.lines.length
  useEffect(() => {
    if (opened.current === source) return
    if (range !== undefined && (count >= range.to || isComplete)) goTo(range.from - 1 - source.buffer.dropped)
    else if (isComplete && range === undefined && !isOpen) {
      const error = source.buffer.lines.findIndex(({ level }) => level === 'error')
      if (error >= 0) goTo(error)
    } else if (!isComplete) return
    opened.current = source
  })
}

/** Where someone scrolls; undefined: nowhere, it is the page that scrolls. `any`: with a finger, or the bar. */
type Heading = 'up' | 'down' | 'any' | undefined

interface FollowingOptions {
  readonly box: () => HTMLElement | null
  readonly heading: RefObject<Heading>
  readonly setFollowing: (isFollowing: boolean) => void
}

const UP: readonly string[] = ['PageUp', 'ArrowUp', 'Home']
const DOWN: readonly string[] = ['PageDown', 'ArrowDown', 'End', ' ']

/**
 * Scrolling up stops following the tail, so that the lines being read stay where they are; scrolling to the end follows it again. Only what people do counts: while
 * thousands of lines come in a second, the page may scroll once more to the end after someone has begun to scroll up.
 */
function useFollowing({ box, heading, setFollowing }: FollowingOptions) {
  const lastTop = useRef(0)
  const head = (to: Heading) => {
    heading.current = to
    if (to !== 'down') setFollowing(false)
  }
  return {
    onWheel: ({ deltaY }: { deltaY: number }) => deltaY !== 0 && head(deltaY < 0 ? 'up' : 'down'),
    onKeyDown: ({ key }: KeyboardEvent) => (UP.includes(key) ? head('up') : DOWN.includes(key) && head('down')),
    onPointerDown: () => head('any'),
    onScroll: () => {
      const element = box()
      if (element === null) return
      const isAtEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - ROW_PX / 2
      const isDown = heading.current === 'down' || heading.current === 'any'
      if (isAtEnd && isDown && element.scrollTop > lastTop.current) setFollowing(true)
      lastTop.current = element.scrollTop
    },
  }
}

interface FootProps {
  readonly source: LogSource
  readonly isFollowing: boolean
  readonly fresh: number
  readonly onFollow: () => void
  readonly onError: (line: number) => void
}

function LogFoot({ source, isFollowing, fresh, onFollow, onError }: FootProps): ReactNode {
  const { run } = useMessages()
  const { buffer, snapshot } = source
  const { lines, dropped, errors } = buffer
  return (
    <div className={styles['foot']}>
      <span>{snapshot.isComplete ? run.log.lines(lines.length + dropped) : run.log.loading(lines.length)}</span>
      {dropped > 0 && <span>{run.log.earlier(dropped)}</span>}
      {errors > 0 && (
        <Button look="quiet" size="small" onClick={() => onError(lines.findIndex(({ level }) => level === 'error'))}>
          {run.log.firstError}
        </Button>
      )}
      <Button size="small" className={styles['follow'] ?? ''} aria-pressed={isFollowing} onClick={onFollow}>
        {isFollowing || fresh <= 0 ? run.log.follow : run.log.new(fresh)}
      </Button>
    </div>
  )
}
