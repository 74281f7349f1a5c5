import type { RunView } from '@carillon/contracts'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useCall } from '../../api/use-call.ts'
import { useLanguage, useMessages } from '../../language/language-context.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { type Fact, Facts } from '../../parts/page.tsx'
import { TONE_OF } from '../../parts/state-badge.tsx'
import { useTraceUrl } from '../../session/session.ts'
import { SentenceTimes } from '../../time/sentence-times.tsx'
import { AbsoluteTime, Duration, RelativeTime } from '../../time/time.tsx'
import { pagePath } from '../../url/page-path.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import { Approvals } from './actions/approvals.tsx'
import styles from './run-page.module.css'
import { isOpenState } from './run-states.ts'
import { sentence } from './sentence.ts'

/** The state in one sentence, how far it is, and the facts. */
export function RunSummary({ run }: { readonly run: RunView }): ReactNode {
  const { run: texts } = useMessages()
  const facts = useFacts(run)
  return (
    <section className={styles['summary']} aria-label={texts.why}>
      <WhyText run={run} />
      {run.progress !== undefined && isOpenState(run.state) && (
        <div className={styles['progress']}>
          <progress max={100} value={run.progress.percent} aria-label={texts.progress} />
          <span>
            {Math.round(run.progress.percent)} % {run.progress.note}
          </span>
        </div>
      )}
      {run.mode === 'workflow' && isOpenState(run.state) && <Approvals runId={run.runId} />}
      <Facts facts={facts} />
    </section>
  )
}

/** In other languages the reason says it, and below is the mesh's own sentence, which names instances, gates and times. */
function WhyText({ run }: { readonly run: RunView }): ReactNode {
  const { messages, reasons } = useLanguage()
  const why = useCall('runsWhy', { runId: run.runId })
  const translated = run.reason === undefined ? undefined : reasons[run.reason]
  const own = why.data === undefined ? '\u00a0' : <SentenceTimes text={sentence(why.data.why)} />
  return (
    <div className={styles['why']} data-tone={TONE_OF[run.state]} aria-live="polite">
      {translated === undefined ? (
        <p>{own}</p>
      ) : (
        <>
          <p>
            {messages.parts.states[run.state]}：{translated}
          </p>
          <p className="muted" lang="en">
            {own}
          </p>
        </>
      )}
    </div>
  )
}

function useFacts(run: RunView): readonly Fact[] {
  const { run: texts } = useMessages()
  const namespace = useNamespace()
  const names = texts.facts
  const trigger = texts.triggers[run.trigger]
  const started = run.firstStartedAt ?? run.startedAt
  const link = (page: string, text: string) => <Link to={pagePath(namespace, page)}>{text}</Link>
  const optional = (name: string, value: ReactNode | undefined): readonly Fact[] => (value === undefined ? [] : [{ name, value }])
  return [
    ...optional(names.job, run.job && link(`jobs/${encodeURIComponent(run.job)}`, run.job)),
    { name: names.handler, value: run.handler },
    ...optional(names.instance, run.instance && link(`executors?instance=${encodeURIComponent(run.instance)}`, run.instance)),
    { name: names.attempt, value: texts.attemptOf(run.attempt, run.attempts) },
    ...optional(
      isOpenState(run.state) ? names.runs : names.took,
      started === undefined ? undefined : (
        <Duration key={started} from={started} to={run.endedAt ?? (isOpenState(run.state) ? undefined : started)} />
      ),
    ),
    {
      name: names.created,
      value: (
        <>
          <RelativeTime at={run.createdAt} />{' '}
          <span className="muted">
            · <AbsoluteTime at={run.createdAt} />
          </span>
        </>
      ),
    },
    ...optional(names.slot, run.slot && <AbsoluteTime at={run.slot} />),
    ...optional(names.due, run.dueAt && <AbsoluteTime at={run.dueAt} />),
    { name: names.trigger, value: run.by === undefined ? trigger : texts.triggerBy(trigger, run.by) },
    ...optional(names.key, run.key && <span className="mono">{run.key}</span>),
    ...optional(texts.trace, run.traceId && <TraceLink traceId={run.traceId} />),
    ...optional(names.parent, run.parent && link(`runs/${run.parent}`, run.parent)),
    ...optional(names.priority, run.priority),
    ...optional(names.mode, run.mode === 'single' ? undefined : run.mode),
    ...optional(names.program, run.program && <span className="mono">{run.program}</span>),
    { name: names.id, value: <CopyButton text={run.runId} label={`${run.runId.slice(0, 12)}…`} /> },
  ]
}

/** The trace, where the gateway knows a place that shows it; else its id alone. */
function TraceLink({ traceId }: { readonly traceId: string }): ReactNode {
  const url = useTraceUrl(traceId)
  const short = `${traceId.slice(0, 12)}…`
  return (
    <>
      {url !== undefined && (
        <a href={url} target="_blank" rel="noreferrer" className="mono">
          {short}
        </a>
      )}
      {url === undefined ? <CopyButton text={traceId} label={short} /> : <CopyButton text={traceId} />}
    </>
  )
}
