import { services, serviceWithId } from '../account.ts'
import { notFound } from '../pagerduty-error.ts'
import { serviceShape } from '../shapes.ts'
import { pageOf } from './page.ts'
import type { Route } from './route.ts'

export const listServices: Route = {
  method: 'GET',
  path: /^\/services$/,
  answer: ({ query }) => {
    const wanted = (query.get('query') ?? '').toLowerCase()
    return pageOf(
      query,
      'services',
      services.filter(({ name }) => name.includes(wanted)),
      serviceShape,
    )
  },
}

export const getService: Route = {
  method: 'GET',
  path: /^\/services\/(\w+)$/,
  answer: ({ id }) => {
    const service = serviceWithId(id)
    if (!service) throw notFound()
    return { service: serviceShape(service) }
  },
}
