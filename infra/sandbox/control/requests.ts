import { BadInput } from './bad-input.ts'
import type { Call } from './call.ts'

export const requests: Call = {
  method: 'GET',
  path: '/requests/{service}',
  does: 'Prints what a demo service saw: the count, its latest requests, its event streams and WebSockets (JSON).',
  example: { path: '/requests/orders-svc' },
  answer: ({ services }, fields) => {
    const service = services.find(({ name }) => name === fields['service'])
    if (!service) {
      const names = services.map(({ name }) => name).join(', ')
      throw new BadInput(`There is no service ${fields['service']}: the services are ${names}.`, 404)
    }
    const json = {
      service: service.name,
      requests: service.requests(),
      latest: service.latestRequests(),
      streams: service.streams(),
      sockets: service.sockets(),
    }
    return { text: JSON.stringify(json, null, 2), json }
  },
}
