import { RUN_STATES, type RunState, type RunView, type TaskView } from '@carillon/contracts'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { makeCall } from '../../../api/call.ts'
import { keyOf } from '../../../api/use-call.ts'
import { useMessages } from '../../../language/language-context.tsx'
import { Button } from '../../../parts/button.tsx'
import { Field, Select } from '../../../parts/field.tsx'
import { Section } from '../../../parts/page.tsx'
import { StateBadge } from '../../../parts/state-badge.tsx'
import { EmptyState, ErrorState, LoadingState } from '../../../parts/states.tsx'
import { type Column, Table } from '../../../parts/table.tsx'
import { Duration } from '../../../time/time.tsx'
import { useNamespace } from '../../../url/use-namespace.ts'
import { RUN_PATH, runPlace } from '../run-place.ts'

const PAGE = 100

/** The tasks of a fan-out run, a page at a time; of a large run one filters by state. */
export function TasksTable({ run }: { readonly run: RunView }): ReactNode {
  const { run: texts, parts } = useMessages()
  const { state } = runPlace.useSearch()
  const navigate = useNavigate({ from: RUN_PATH })
  const tasks = useTasks(run.runId, state)
  const rows = tasks.data?.pages.flatMap(({ items }) => items) ?? []
  const choose = (chosen: string) =>
    navigate({ search: (search) => ({ ...search, state: chosen === '' ? undefined : (chosen as RunState) }), replace: true }).catch(
      () => undefined,
    )
  return (
    <Section
      title={texts.tasks}
      side={
        <Field label={texts.state} isLabelHidden>
          <Select
            value={state ?? ''}
            options={[{ value: '', label: texts.allStates }, ...RUN_STATES.map((one) => ({ value: one, label: parts.states[one] }))]}
            onChange={(event) => choose(event.currentTarget.value)}
          />
        </Field>
      }
    >
      {tasks.isPending && <LoadingState />}
      {tasks.error !== null && <ErrorState error={tasks.error} onRetry={() => tasks.refetch()} />}
      {tasks.data !== undefined && rows.length === 0 && <EmptyState title={parts.nothing} />}
      {rows.length > 0 && <Table name={texts.tasks} columns={columnsOf(texts)} rows={rows} idOf={({ taskId }) => taskId} />}
      {tasks.hasNextPage && (
        <Button look="quiet" onClick={() => tasks.fetchNextPage()}>
          {texts.moreTasks}
        </Button>
      )}
    </Section>
  )
}

function useTasks(runId: string, state: RunState | undefined) {
  const namespace = useNamespace()
  const filter = state === undefined ? {} : { state }
  return useInfiniteQuery({
    queryKey: keyOf(namespace, 'runsTasks', runId, filter),
    queryFn: ({ pageParam, signal }) =>
      makeCall('runsTasks', { runId, limit: PAGE, ...filter, ...(pageParam === '' ? {} : { cursor: pageParam }) }, { namespace, signal }),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
  })
}

function columnsOf(texts: ReturnType<typeof useMessages>['run']): readonly Column<TaskView>[] {
  return [
    { key: 'task', title: texts.task, cell: ({ task, index }) => (task === undefined ? index : `${task} ${index}`) },
    { key: 'state', title: texts.state, cell: ({ state }) => <StateBadge state={state} /> },
    {
      key: 'took',
      title: texts.facts.took,
      isNumber: true,
      cell: ({ firstStartedAt, startedAt = firstStartedAt, endedAt }) =>
        startedAt !== undefined && <Duration from={startedAt} to={endedAt} />,
    },
    { key: 'attempt', title: texts.facts.attempt, isNumber: true, isSecondary: true, cell: ({ attempt }) => attempt },
    { key: 'instance', title: texts.facts.instance, isSecondary: true, cell: ({ instance }) => instance },
    {
      key: 'item',
      title: texts.item,
      isSecondary: true,
      cell: ({ item }) => item !== undefined && <span className="mono">{JSON.stringify(item).slice(0, 80)}</span>,
    },
    { key: 'reason', title: texts.reason, isSecondary: true, cell: ({ failure, reason }) => failure?.message ?? reason },
  ]
}
