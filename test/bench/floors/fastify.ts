import fastify from 'fastify';
import { sayListening } from './announce';
import { constantAdmission, constantHeaders } from './constant-admission';

/** The floor of an admission: bare Fastify parses the body and answers a constant. */
const server = fastify();
server.post('/v2/tasks', (_request, reply) => {
  void reply.code(202).headers(constantHeaders).send(constantAdmission);
});
void server.listen({ port: 0, host: '127.0.0.1' }).then(url => sayListening(Number(new URL(url).port)));
