import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { pagePath } from '../url/page-path.ts'
import { useNamespace } from '../url/use-namespace.ts'

/** A link to a page of the namespace. @param page such as `jobs/report` */
export function PageLink({
  page,
  search,
  children,
}: {
  readonly page: string
  readonly search?: object
  readonly children: ReactNode
}): ReactNode {
  const namespace = useNamespace()
  return (
    <Link to={pagePath(namespace, page)} {...(search === undefined ? {} : { search: search as never })}>
      {children}
    </Link>
  )
}

/** A name as a part of a path. */
export const pathPart = (name: string): string => encodeURIComponent(name)
