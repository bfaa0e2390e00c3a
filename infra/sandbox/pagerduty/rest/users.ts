import { users, userWithId } from '../account.ts'
import { notFound } from '../pagerduty-error.ts'
import { userShape } from '../shapes.ts'
import { pageOf } from './page.ts'
import type { Route } from './route.ts'

export const listUsers: Route = {
  method: 'GET',
  path: /^\/users$/,
  answer: ({ query }) => {
    const wanted = (query.get('query') ?? '').toLowerCase()
    const found = users.filter(({ name, email }) => `${name} ${email}`.toLowerCase().includes(wanted))
    return pageOf(query, 'users', found, userShape)
  },
}

export const getUser: Route = {
  method: 'GET',
  path: /^\/users\/(\w+)$/,
  answer: ({ id }) => {
    const user = userWithId(id)
    if (!user) throw notFound()
    return { user: userShape(user) }
  },
}
