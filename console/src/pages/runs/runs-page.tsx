import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Button } from '../../parts/button.tsx'
import { Page } from '../../parts/page.tsx'
import { EmptyState, ErrorState, LoadingState } from '../../parts/states.tsx'
import { AbsoluteTime } from '../../time/time.tsx'
import { BulkBar } from './bulk/bulk-bar.tsx'
import { FilterBar } from './filter-bar.tsx'
import { JumpToTime } from './jump-to-time.tsx'
import { RunsList } from './runs-list.tsx'
import styles from './runs-page.module.css'
import { runsPlace } from './runs-place.ts'
import { hasFilter } from './runs-search.ts'
import type { RunsSource } from './runs-source.ts'
import { useRuns } from './use-runs.ts'
import { useSelection } from './use-selection.ts'

/** The runs of a namespace: filters in the URL, rows that follow the stream in their place, actions on many. */
export function RunsPage(): ReactNode {
  const { runs } = useMessages()
  const search = runsPlace.useSearch()
  const { source, reload } = useRuns(search)
  const selection = useSelection(source)
  const { snapshot, pages } = source
  return (
    <Page title={runs.title}>
      <div className={styles['runs']}>
        <FilterBar search={search} />
        <div className={styles['head']}>
          <Applied source={source} />
          {snapshot.fresh > 0 && (
            <Button size="small" look="main" onClick={reload}>
              {runs.new(snapshot.fresh)}
            </Button>
          )}
          <JumpToTime search={search} />
          <BulkBar source={source} selection={selection} onDone={reload} />
        </div>
        {snapshot.error !== undefined && <ErrorState error={snapshot.error} onRetry={() => source.retry()} />}
        {!snapshot.isLoaded && snapshot.error === undefined && <LoadingState />}
        {snapshot.isLoaded && pages.count === 0 && pages.isComplete && <NoRuns isFiltered={hasFilter(search)} />}
        {snapshot.isLoaded && (pages.count > 0 || !pages.isComplete) && <RunsList source={source} selection={selection} />}
      </div>
    </Page>
  )
}

/** What counts of the filter, with the numbers as they are: no limit is silent. */
function Applied({ source: { snapshot, pages } }: { readonly source: RunsSource }): ReactNode {
  const { runs } = useMessages()
  const { applied, searchedBackTo } = snapshot
  return (
    <p className={styles['applied']} role="status">
      {pages.isComplete ? runs.count(pages.count) : runs.countAtLeast(pages.count)}
      {applied?.since !== undefined && (
        <>
          {' · '}
          {runs.since} <AbsoluteTime at={applied.since} />
        </>
      )}
      {searchedBackTo !== undefined && (
        <>
          {' · '}
          {runs.searchedBackTo} <AbsoluteTime at={searchedBackTo} />
        </>
      )}
    </p>
  )
}

function NoRuns({ isFiltered }: { readonly isFiltered: boolean }): ReactNode {
  const { runs, parts } = useMessages()
  const navigate = runsPlace.useNavigate()
  if (!isFiltered)
    return (
      <EmptyState title={runs.empty}>
        <p>{runs.emptyText}</p>
      </EmptyState>
    )
  return (
    <EmptyState title={parts.nothingMatches}>
      <Button onClick={() => navigate({ search: {} }).catch(() => undefined)}>{parts.clearFilters}</Button>
    </EmptyState>
  )
}
