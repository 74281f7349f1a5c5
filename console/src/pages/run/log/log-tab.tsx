import type { LogLevel, RunView } from '@carillon/contracts'
import { LOG_LEVELS } from '@carillon/contracts'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, type ReactNode, useMemo } from 'react'
import { useMessages } from '../../../language/language-context.tsx'
import { Button } from '../../../parts/button.tsx'
import { downloadText } from '../../../parts/download.ts'
import { Field, Select, TextInput } from '../../../parts/field.tsx'
import { EmptyState } from '../../../parts/states.tsx'
import { useSeesPayloads } from '../../../session/session.ts'
import { RUN_PATH, runPlace } from '../run-place.ts'
import { isOpenState } from '../run-states.ts'
import { parseRange, textOfLines, writeRange } from './log-text.ts'
import styles from './log-view.module.css'
import { LogView } from './log-view.tsx'
import { useHash } from './use-hash.ts'
import { useLog } from './use-log.ts'

/** The log of a run with its filters: level, text and selected lines are in the URL. */
export function LogTab({ run }: { readonly run: RunView }): ReactNode {
  const { run: texts } = useMessages()
  return useSeesPayloads() ? <VisibleLog run={run} /> : <EmptyState title={texts.log.hidden} />
}

function VisibleLog({ run }: { readonly run: RunView }): ReactNode {
  const { level = 'debug', text = '' } = runPlace.useSearch()
  const navigate = useNavigate({ from: RUN_PATH })
  const source = useLog(run.runId, { level, text })
  const hash = useHash()
  const range = useMemo(() => parseRange(hash), [hash])
  return (
    <>
      <LogBar
        level={level}
        text={text}
        onChange={(change) => navigate({ search: (search) => ({ ...search, ...change }), replace: true }).catch(() => undefined)}
        onDownload={() => downloadText(`${run.runId}.log`, textOfLines(source.buffer.lines))}
      />
      <LogView
        key={`${run.runId} ${level} ${text}`}
        source={source}
        range={range}
        isOpen={isOpenState(run.state)}
        isFiltered={level !== 'debug' || text !== ''}
        hasTasks={run.mode !== 'single'}
        onSelect={(chosen) =>
          navigate({
            search: true,
            hash: chosen === undefined ? '' : writeRange(chosen),
            replace: true,
            resetScroll: false,
            hashScrollIntoView: false,
          }).catch(() => undefined)
        }
      />
    </>
  )
}

interface LogBarProps {
  readonly level: LogLevel
  readonly text: string
  readonly onChange: (change: { level?: LogLevel | undefined; text?: string | undefined }) => void
  readonly onDownload: () => void
}

function LogBar({ level, text, onChange, onDownload }: LogBarProps): ReactNode {
  const { run, parts } = useMessages()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const wanted = String(new FormData(event.currentTarget).get('text'))
    onChange({ text: wanted === '' ? undefined : wanted })
  }
  return (
    <div className={styles['bar']}>
      <form className={styles['find']} onSubmit={submit}>
        <Field label={run.log.search} isLabelHidden>
          <TextInput key={text} name="text" type="search" maxLength={200} placeholder={run.log.search} defaultValue={text} />
        </Field>
      </form>
      <Field label={run.log.level} isLabelHidden>
        <Select
          value={level}
          options={LOG_LEVELS.map((one) => ({ value: one, label: run.log.levels[one] }))}
          onChange={(event) =>
            onChange({ level: event.currentTarget.value === 'debug' ? undefined : (event.currentTarget.value as LogLevel) })
          }
        />
      </Field>
      <Button onClick={onDownload}>{parts.download}</Button>
    </div>
  )
}
