import { Script } from '../connection/script';

/**
 * Who asks these engines: the node that did, for as long as it comes back in time. ARGV: 1 node, 2 for how many milliseconds, 3 JSON of replicas.
 * Answers for each 1 where it is this node, else what was last told of it, or ''.
 */
export const shareProbesScript = new Script(
  'shareProbes',
  `
local shares = {}
for i, replica in ipairs(cjson.decode(ARGV[3])) do
  local key = P .. 'pr:' .. replica
  local who = call('GET', key)
  if not who or who == ARGV[1] then
    call('SET', key, ARGV[1], 'PX', ARGV[2])
    shares[i] = 1
  else
    shares[i] = call('GET', P .. 'po:' .. replica) or ''
  end
end
return shares
`,
);

/** ARGV: 1 node, 2 replica, 3 what its engine said, 4 for how many milliseconds that is kept. Answers 0 where another node is who asks it. */
export const tellProbeScript = new Script(
  'tellProbe',
  `
if call('GET', P .. 'pr:' .. ARGV[2]) ~= ARGV[1] then return 0 end
call('SET', P .. 'po:' .. ARGV[2], ARGV[3], 'PX', ARGV[4])
call('SPUBLISH', P .. 'probes', ARGV[3])
return 1
`,
);
