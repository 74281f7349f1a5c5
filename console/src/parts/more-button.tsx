import type { ReactNode } from 'react'
import { useMessages } from '../language/language-context.tsx'
import layout from '../pages/layout.module.css'
import { Button } from './button.tsx'

/** The next page of a list. */
export function MoreButton({
  pages,
}: {
  readonly pages: { readonly hasMore: boolean; readonly isMore: boolean; readonly loadMore: () => void }
}): ReactNode {
  const { parts } = useMessages()
  if (!pages.hasMore) return null
  return (
    <div className={layout['more']}>
      <Button disabled={pages.isMore} onClick={pages.loadMore}>
        {parts.more}
      </Button>
    </div>
  )
}
