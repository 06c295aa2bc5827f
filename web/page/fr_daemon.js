// SPDX-License-Identifier: MIT
// What the daemon says of itself, in French: a line in English, and ours behind "=".
// {} is what differs, and the first that fits counts. (told.js reads it.)
export default `

# Sites and sessions
the session is down
= la session est hors service
the session is outage
= la session est en panne
site '{}' is revoked: its gateway is cut off, and told
= le site « {} » est révoqué : sa passerelle est coupée, et prévenue
site '{}' is there already: the gateway that joins takes its place
= le site « {} » existe déjà : la passerelle qui le rejoint prend sa place
site '{}' of the concentrator at {}
= site « {} » du concentrateur à {}
there is no session of a site '{}'; allowed: {}
= il n’y a pas de session d’un site « {} » ; permis : {}

# How it is
this gateway has not joined a concentrator yet; 'aggctl join TOKEN' does it, or its page
= cette passerelle n’a pas encore rejoint de concentrateur ; « aggctl join TOKEN » le fait, ou
  sa page
site {}: {}
= site {} : {}
download at {} Mbit/s, as {}
= réception à {} Mbit/s, car {}
upload at {} Mbit/s, as {}
= émission à {} Mbit/s, car {}
download at {} Mbit/s
= réception à {} Mbit/s
upload at {} Mbit/s
= émission à {} Mbit/s
{}, and {} is too far behind to carry more
= {}, et {} a trop de retard pour porter plus
{}, and {} are too far behind to carry more
= {}, et {} ont trop de retard pour porter plus
its links are full
= ses accès sont pleins
{} is full
= {} est plein
{} are full
= {} sont pleins
the client takes no more
= le client n’accepte rien de plus
the server takes no more
= le serveur n’accepte rien de plus
the client sends no faster
= le client n’envoie pas plus vite
the server sends no faster
= le serveur n’envoie pas plus vite
the memory of the receiving session is used up ('option memory')
= la mémoire de la session qui reçoit est épuisée (« option memory »)
what is late or lost on {} holds up the rest
= ce qui tarde ou se perd sur {} retient le reste
what is late or lost holds up the rest
= ce qui tarde ou se perd retient le reste
it waits for the receiver's credit
= le crédit du récepteur se fait attendre
the CPU of the gateway is full ({} % of a core)
= le processeur de la passerelle est saturé ({} % d’un cœur)
the CPU of the concentrator is full ({} % of a core)
= le processeur du concentrateur est saturé ({} % d’un cœur)
there is no session
= il n’y a pas de session
the session is connecting
= la session se connecte
the session is {}
= la session est {}
no gateway is connected
= aucune passerelle n’est connectée
nothing is under way
= rien n’est en cours
streams of before an update go on: {}, at {} Mbit/s down and {} up
= des flux d’avant une mise à jour continuent : {}, à {} Mbit/s en réception et {} en émission
no path works
= aucun chemin ne marche
new connections leave directly
= les nouvelles connexions sortent directement
new connections are refused
= les nouvelles connexions sont refusées
the LAN's connections are not taken ({})
= les connexions du LAN ne sont pas prises ({})
it waits for {}
= en attente : {}
site {} is away
= le site {} est absent
{} is metered ({})
= {} est compté ({})
{} is backup ({})
= {} est de secours ({})
{} and {} more
= {} et {} de plus
{} is down ({})
= {} est en panne ({})
{} is connecting ({})
= {} se connecte ({})
{} is without progress ({})
= {} n’avance plus ({})
{} is down
= {} est en panne
{} is connecting
= {} se connecte
{} is without progress
= {} n’avance plus
{} is disabled
= {} est désactivé
its cap of {} is used up, until {}
= son plafond de {} est atteint, jusqu’au {}
{} of its {} are used, until {}
= {} de ses {} sont utilisés, jusqu’au {}
its quota of {} is used up: {} Mbit/s until {}
= son quota de {} est épuisé : {} Mbit/s jusqu’au {}
no carrier: the cable is out, or the modem not connected
= pas de porteuse : câble débranché, ou modem non connecté
no carrier
= pas de porteuse
device is down: 'ip link set' it up, or its manager does
= l’interface est arrêtée : « ip link set » la démarre, ou son gestionnaire
no such device now; 'ip link' lists those that there are
= cette interface n’existe pas ; « ip link » montre celles qu’il y a
no address yet: is its DHCP client running?
= pas encore d’adresse : son client DHCP tourne-t-il ?
no default route by this device, in no table
= pas de route par défaut par cette interface, dans aucune table
its address is being asked for
= son adresse est demandée
address gone
= adresse disparue
no name server answers
= aucun serveur de noms ne répond
the name servers give no answer of use
= les serveurs de noms ne donnent pas de réponse utile
there is no such name, or it has no address
= ce nom n’existe pas, ou n’a pas d’adresse
no endpoint of a family that the device has
= pas d’adresse du concentrateur d’une famille que l’interface a
turned off by its option enabled
= désactivé par son option enabled
no answer; the concentrator's port may be closed, or this uplink's access broken
= pas de réponse ; le port du concentrateur est peut-être fermé, ou cet accès en panne
no answer: {}
= pas de réponse : {}
connection refused; aggd may not run on the concentrator, {}
= connexion refusée ; aggd ne tourne peut-être pas sur le concentrateur, {}
connection refused
= connexion refusée
no progress
= rien n’avance
timed out
= délai dépassé
all paths are down
= tous les chemins sont en panne
wrong pin: shown {}, expected {}
= mauvaise empreinte : montrée {}, attendue {}
unknown pin; it was revoked, or never joined
= empreinte inconnue ; révoquée, ou jamais admise
protocol version not supported
= version du protocole non prise en charge
full packets do not arrive: at most {} bytes are used
= les paquets pleins n’arrivent pas : {} octets au plus sont utilisés
beside MPTCP packets' share is guessed: addresses do not tell which uplinks it takes
= à côté de MPTCP la part des paquets est estimée : les adresses ne disent pas par où il passe
another gateway with the same key, at {}, is refused
= une autre passerelle avec la même clé, à {}, est refusée
an uplink that is gone
= un accès disparu
waits for a faster path where a slower one would block it
= attend un chemin plus rapide quand un plus lent le bloquerait
blest with the figures of the Linux kernel of MPTCP v0.95
= blest avec les chiffres du noyau Linux de MPTCP v0.95
the path by which what is queued arrives earliest
= le chemin par lequel la file arrive le plus tôt
waits for a faster path where that completes earlier
= attend un chemin plus rapide quand cela finit plus tôt
the path of least round-trip time that has room
= le chemin libre au plus court aller-retour
the stream that came first, until it is done
= le flux arrivé le premier, jusqu’à sa fin
the streams in turn, a piece each
= les flux à tour de rôle, un morceau chacun
interactive streams first, each class in turn
= les flux interactifs d’abord, chaque classe à son tour
the stream with the least left to send
= le flux auquel il reste le moins à envoyer
a copy on every path with room, for the least latency
= une copie sur chaque chemin libre, pour la moindre latence
the paths with room in turn, a piece each
= les chemins libres à tour de rôle, un morceau chacun
short streams first, by paths that do not hold them up
= les flux courts d’abord, par des chemins qui ne les retardent pas
the paths with room in proportion to their rates
= les chemins libres en proportion de leurs débits
only what a dead subflow carried
= seulement ce qu’un sous-flux mort portait
what a subflow without progress carries
= ce que porte un sous-flux qui n’avance plus
and the last pieces, where another path is faster
= et les derniers morceaux, si un autre chemin est plus rapide
and what is overdue on its path
= et ce qui est en retard sur son chemin
up, and wished for down
= émission, et souhaité en réception
good once, until {}, for site '{}', at {}
= valable une fois, jusqu’au {}, pour le site « {} », à {}
{}: invited until {}
= {} : invité jusqu’au {}
no invitation is open; 'aggctl invite SITE' makes one
= aucune invitation n’est ouverte ; « aggctl invite SITE » en fait une
site '{}' is revoked: its gateway is cut off, and {}
= le site « {} » est révoqué : sa passerelle est coupée, et {}
the invitation of '{}' is revoked
= l’invitation de « {} » est révoquée
site '{}' is '{}' now
= le site « {} » s’appelle « {} » maintenant
there is a site '{}' already
= il y a déjà un site « {} »
'{}' is no name of a site; allowed: {}
= « {} » n’est pas un nom de site ; permis : {}
{} '{}': in force, and kept in {}
= {} « {} » : en vigueur, et gardé dans {}
{} cannot be written: {}; a person can do it, and 'aggctl reload'
= {} ne peut pas être écrit : {} ; quelqu’un peut le faire, puis « aggctl reload »
until a restart, or a reload of a file whose own choice was changed; to keep it, write there:
= jusqu’à un redémarrage, ou la relecture d’un fichier dont le choix a changé ; pour le garder,
  y écrire :
that is under way already
= c’est déjà en cours
it took more than {} s, and was ended
= cela a duré plus de {} s, et a été arrêté
this is no invitation
= ce n’est pas une invitation
the secret is needed; 'aggctl web' shows it
= il faut le secret ; « aggctl web » le montre
a history is kept on a gateway
= un historique est tenu par une passerelle
a speed test is begun on a gateway
= une mesure se lance sur une passerelle

# Doctor
at that port
= à ce port
the clock is years behind
= l’horloge a des années de retard
{} of {} descriptors are in use, so that connections are refused
= {} descripteurs sur {} sont pris : des connexions sont refusées
aggd may have no more than {} descriptors
= aggd n’a droit qu’à {} descripteurs
no connection comes about
= aucune connexion ne s’établit
there is no uplink
= il n’y a pas d’accès
the concentrator reaches no IPv6, so that the LAN's connections by IPv6 are refused, and made by
  IPv4
= le concentrateur n’atteint pas l’IPv6 : les connexions IPv6 du LAN sont refusées, et faites en
  IPv4
datagrams do not pass: the packet tunnel goes by the other uplinks
= les datagrammes ne passent pas : le tunnel de paquets prend les autres accès
datagrams do not pass by any uplink: the packet tunnel is carried by TCP, and slower
= les datagrammes ne passent par aucun accès : le tunnel de paquets passe par TCP, plus
  lentement

{} is behind {}, and seen as {}
= {} est derrière {}, et vu comme {}
{} is behind {}
= {} est derrière {}
a NAT of the provider's
= un NAT du fournisseur
a NAT
= un NAT
it keeps the ports
= il garde les ports
it changes the ports
= il change les ports
datagrams pass, one every 15 s at least
= les datagrammes passent, un toutes les 15 s au moins
for how long it remembers a silent flow is not known
= on ne sait pas combien de temps il se souvient d’un flux muet
how it is seen from outside is not known
= on ne sait pas comment il est vu de l’extérieur
the packet tunnel's offloads are turned off
= les délestages (offloads) du tunnel de paquets sont désactivés
the packet tunnel's packets go to and from the kernel one by one
= les paquets du tunnel vont au noyau et en viennent un par un
the packet tunnel's UDP goes to and from the kernel packet by packet
= l’UDP du tunnel va au noyau et en vient paquet par paquet
the packet tunnel's datagrams leave one by one
= les datagrammes du tunnel sortent un par un
that takes twice the CPU, or more
= cela prend deux fois plus de processeur, ou davantage
chain {} drops what none of its rules lets pass, and none speaks of {}
= la chaîne {} rejette ce qu’aucune de ses règles ne laisse passer, et aucune ne parle de {}

# Remedies: what stands behind the command
and let pass what comes in or goes out by {}
= et laisser passer ce qui entre ou sort par {}
on the other side; put it into {}, then here: aggctl reload
= de l’autre côté ; la mettre dans {}, puis ici : aggctl reload
then set it there, or in {}
= puis la mettre là, ou dans {}
then set 'option device' in {}
= puis mettre « option device » dans {}
the cable, the modem
= le câble, le modem
nothing is to be done: 'config forward' on the concentrator leads in from outside
= rien à faire : « config forward » sur le concentrateur fait entrer de l’extérieur
set 'option offload' to 'auto', and restart aggd
= mettre « option offload » à « auto », et redémarrer aggd
Linux 6.2 and later takes several at once
= Linux 6.2 et suivants en prennent plusieurs à la fois
says whether this kernel can; where it can, it is tried again each day
= dit si ce noyau le peut ; s’il le peut, c’est retenté chaque jour
or: {}
= ou : {}
'list endpoint' of a family that {} has
= « list endpoint » d’une famille que {} possède
on the concentrator; put it into {}
= sur le concentrateur ; la mettre dans {}
on the concentrator
= sur le concentrateur
put it into 'config site' on the concentrator
= la mettre dans « config site » du concentrateur
on both sides: the same
= des deux côtés : la même
then let port {} in on the concentrator
= puis ouvrir le port {} sur le concentrateur
then let UDP port {} in on the concentrator
= puis ouvrir le port UDP {} sur le concentrateur
after 'option carrier' 'auto' in {}
= après « option carrier » « auto » dans {}
LimitNOFILE=65536, and restart it
= LimitNOFILE=65536, et le redémarrer

# Warnings
{} '{}': the pin is the example's, which nobody has; needed is what 'aggctl pin' prints on the
  {}
= {} « {} » : l’empreinte est celle de l’exemple, que personne n’a ; il faut ce que « aggctl pin
  » affiche sur : {}
{} '{}': the pin is this host's own; needed is what 'aggctl pin' prints on the {}
= {} « {} » : l’empreinte est celle de cette machine ; il faut ce que « aggctl pin » affiche sur
  : {}
there is no identity in '{}', without which aggd does not start; '{}' makes one
= il n’y a pas d’identité dans « {} », sans quoi aggd ne démarre pas ; « {} » en crée une
others may read {}, so that aggd does not take it; '{}', or make a new one
= d’autres peuvent lire {}, alors aggd n’en veut pas ; « {} », ou en créer une nouvelle
{} is no identity; remove it, and '{}' makes one
= {} n’est pas une identité ; l’enlever, et « {} » en crée une
you may not read {}, so that it was not looked at; as root it is
= vous ne pouvez pas lire {}, donc cela n’a pas été examiné ; root le peut
{}: there is no device '{}' on this host now; did you mean '{}'? there are: {}
= {} : il n’y a pas d’interface « {} » ici en ce moment ; serait-ce « {} » ? il y a : {}
{}: there is no device '{}' on this host now; there are: {}
= {} : il n’y a pas d’interface « {} » ici en ce moment ; il y a : {}
{}: device '{}' has no address now; hosts of the LAN need it as their router
= {} : l’interface « {} » n’a pas d’adresse en ce moment ; le LAN en a besoin comme routeur
{} this host has no other of its family; its own programs, ssh for one, are not reached any more
= {} cette machine n’en a pas d’autre de sa famille ; ses propres programmes, ssh
  par exemple, ne sont plus atteints
and that one in {}
= et celle-là dans {}
{} '{}': this host does not have that address now
= {} « {} » : cette machine n’a pas cette adresse en ce moment
congestion '{}' is not in this kernel, so that its own choice is used; there are: {}
= la congestion « {} » n’est pas dans ce noyau, qui suit donc son propre choix ; il y a : {}
lan: this host does not forward IPv4, so that nothing but TCP leaves the LAN; '{}' turns it on
= lan : cette machine ne relaie pas l’IPv4, donc seul le TCP sort du LAN ; « {} » l’active
no gateway may connect: there is no site; needed: config site 'NAME', with option pin
= aucune passerelle ne peut se relier : il n’y a pas de site ; il faut : config site « NOM »,
  avec option pin

# The daemon does not answer
you may not open {}: it is for root; try again with sudo, or as root
= vous ne pouvez pas ouvrir {} : c’est réservé à root ; réessayer avec sudo
you may not open {}: it is for root and the group {}; try again with sudo, or as root
= vous ne pouvez pas ouvrir {} : c’est réservé à root et au groupe {} ; réessayer avec sudo
nobody listens at {}: aggd has ended; '{}' may say why, '{}' starts it
= personne n’écoute à {} : aggd s’est arrêté ; « {} » dit peut-être pourquoi, « {} » le démarre
{} is a {} and no socket; wanted is what 'option control' of aggd's configuration says
= {} est un {}, pas une prise ; il faut ce que dit « option control » de la configuration d’aggd
there is no socket at {}: aggd is not running, or its configuration has another 'option
  control', which -s SOCKET or AGGD_CONTROL names; '{}' says whether it runs
= il n’y a pas de prise à {} : aggd ne tourne pas, ou sa configuration a une autre « option
  control », que nomment -s SOCKET ou AGGD_CONTROL ; « {} » dit s’il tourne
aggd at {} did not answer within {} s: it hangs, or the machine is overloaded
= aggd à {} n’a pas répondu en {} s : il est bloqué, ou la machine est surchargée
what answers at {} is no aggd; wanted is the socket that 'option control' of its configuration
  names
= ce qui répond à {} n’est pas aggd ; il faut la prise que nomme « option control » de sa
  configuration
{}: the path of a socket has {} bytes at most
= {} : le chemin d’une prise a {} octets au plus
no answer at {}: {}
= pas de réponse à {} : {}

# Uplinks
its address is still being checked for a double
= on vérifie encore que personne n’a son adresse
somebody else on the link has its address
= quelqu’un d’autre sur ce lien a son adresse
an IPv4 default route, and an IPv6 address only
= une route par défaut IPv4, et seulement une adresse IPv6
an IPv6 default route, and an IPv4 address only
= une route par défaut IPv6, et seulement une adresse IPv4
rp_filter=1, and the way back to {} leads by {}
= rp_filter=1, et le retour vers {} passe par {}
rp_filter=1, and the way back to {} leads nowhere
= rp_filter=1, et le retour vers {} ne mène nulle part
{} is gone
= {} a disparu
{} comes before ours
= {} passe avant les nôtres
netifd's interface is down, or there is none of that name
= l’interface de netifd est arrêtée, ou il n’y en a pas de ce nom
the concentrator cannot be reached; this uplink's access may be broken
= le concentrateur est hors d’atteinte ; cet accès est peut-être en panne
only packets of less than full size pass
= seuls passent des paquets plus petits que la taille pleine
only the peer's kernel answers: its process hangs, or is overloaded
= seul le noyau d’en face répond : son programme est bloqué, ou surchargé
handshake too slow
= poignée de main trop lente
refused by the peer: {}
= refusé en face : {}
no invitations are taken here
= ici on ne prend pas d’invitations
no greeting
= pas de salutation
closed by the peer
= fermé par l’autre côté
record too long
= enregistrement trop long
out of memory
= plus de mémoire
it was answered
= il a eu sa réponse
session ended
= session finie
no subflow for too long
= trop longtemps sans sous-flux
the concentrator started anew
= le concentrateur a redémarré
the site was revoked
= le site a été révoqué
another gateway with the same key is connected; each needs an identity of its own
= une autre passerelle avec la même clé est connectée ; il faut à chacune son identité
the concentrator is going down
= le concentrateur s’arrête
this gateway has begun anew since
= cette passerelle a redémarré depuis
new session
= nouvelle session
fewer bundles
= moins de faisceaux
not wanted any more
= plus demandé
uplink gone
= accès disparu
fell back to TCP
= revenu à TCP
the option does not arrive
= l’option n’arrive pas
the kernel makes no MPTCP connections for a while, as it found a blackhole
= le noyau ne fait plus de connexions MPTCP pour un temps : elles se perdaient

# Carrier
as configured
= comme configuré
as configured; our own subflows carry {} uplink that MPTCP does not reach
= comme configuré ; nos propres sous-flux portent {} accès que MPTCP n’atteint pas
as configured; our own subflows carry {} uplinks that MPTCP does not reach
= comme configuré ; nos propres sous-flux portent {} accès que MPTCP n’atteint pas
our subflows on {} uplink that MPTCP does not reach
= nos sous-flux sur {} accès que MPTCP n’atteint pas
{}, so our own subflows carry it
= {}, donc nos propres sous-flux portent tout
an uplink strips or drops MPTCP's option (see its note)
= un accès enlève ou perd l’option de MPTCP (voir sa note)
no MPTCP connection works
= aucune connexion MPTCP ne marche
MPTCP is not on every uplink
= MPTCP n’est pas sur chaque accès
MPTCP has joined no uplink yet
= MPTCP n’a encore rejoint aucun accès
MPTCP works on every uplink; compared under the next load, it carries until then
= MPTCP marche sur chaque accès ; comparé à la prochaine charge, il porte jusque-là
MPTCP works on every uplink; compared under the next load, our own subflows carry it until then
= MPTCP marche sur chaque accès ; comparé à la prochaine charge, nos propres sous-flux portent
  jusque-là
MPTCP was no worse: {} Mbit/s of our own {}; so {}
= MPTCP n’était pas pire : {} Mbit/s contre {} des nôtres ; donc {}
MPTCP was worse: {} Mbit/s of our own {}; so {}
= MPTCP était pire : {} Mbit/s contre {} des nôtres ; donc {}
{}, an echo took {} ms, not {}
= {}, un écho a pris {} ms au lieu de {}
{}; so {} times before
= {} ; {} fois déjà
our own subflows carry it
= nos propres sous-flux portent tout
MPTCP carries it
= MPTCP porte tout
an uplink is metered, which MPTCP cannot spare
= un accès est compté, ce que MPTCP ne sait pas épargner
MPTCP has just joined every uplink; our own subflows carry it for now
= MPTCP vient de rejoindre chaque accès ; nos propres sous-flux portent pour l’instant
MPTCP and our own subflows are being compared, for ten seconds
= MPTCP et nos propres sous-flux sont comparés pendant dix secondes
the concentrator has no MPTCP
= le concentrateur n’a pas MPTCP
mptcp and subflows
= mptcp et sous-flux
not used, as it could not spare a metered uplink
= pas utilisé, car il ne saurait épargner un accès compté
not used, as the uplink has no address of a family that the concentrator has
= pas utilisé, car l’accès n’a pas d’adresse d’une famille du concentrateur
what carries the option is dropped
= ce qui porte l’option est perdu
the option is stripped
= l’option est enlevée
its joins come to nothing; something on the way may drop them
= ses jonctions n’aboutissent pas ; quelque chose les perd peut-être en chemin
not joined
= pas rejoint
joined
= rejoint

# LAN
somebody removed our table; it is put again
= quelqu’un a enlevé notre table ; elle est remise
new connections by bridge {} leave directly; for aggd, set {} and {} to 0
= les nouvelles connexions par le pont {} sortent directement ; pour aggd, mettre {} et {} à 0
the LAN's rules are being loaded
= les règles du LAN se chargent
nft: the kernel lacks the module {}
= nft : il manque au noyau le module {}
running nft: {}
= en lançant nft : {}
failed silently
= a échoué sans rien dire
the address of SOCKS5, {}
= l’adresse de SOCKS5, {}
SOCKS5 at {}: {}
= SOCKS5 à {} : {}
TPROXY for IPv6: {}
= TPROXY pour IPv6 : {}
LAN device {}
= interface du LAN {}
an answer by IPv6
= une réponse par IPv6
a device of each LAN interface
= une interface pour chaque réseau du LAN
the address of listen {}
= l’adresse de listen {}
packet tunnels: {}
= tunnels de paquets : {}
its own route
= sa propre route

# Packet tunnel
no path carries datagrams
= aucun chemin ne porte de datagrammes
this host does not forward IPv4
= cette machine ne relaie pas l’IPv4
this host does not forward IPv6, so that nothing but TCP leaves the LAN by it
= cette machine ne relaie pas l’IPv6, de sorte que seul TCP y sort du LAN
the LAN's packets have no tunnel ({})
= les paquets du LAN n’ont pas de tunnel ({})
the concentrator has none yet
= le concentrateur n’en a pas encore
the concentrator wants a cipher that is not here
= le concentrateur veut un chiffrement qui n’est pas ici
there is no /dev/net/tun: the kernel's module tun is not loaded
= il n’y a pas de /dev/net/tun : le module tun du noyau n’est pas chargé
/dev/net/tun is not for this user; its usual mode, which udev gives it, is 0666
= /dev/net/tun est interdit à cet utilisateur ; son mode habituel, que donne udev, est 0666
another program has a device {}
= un autre programme a une interface {}
without CAP_NET_ADMIN there is no device {}
= sans CAP_NET_ADMIN il n’y a pas d’interface {}

# Updates
the concentrator is not connected, or its release knows of no sessions that leave
= le concentrateur n’est pas connecté, ou sa version ne connaît pas de sessions qui partent
the concentrator ends
= le concentrateur s’arrête
the gateway ends
= la passerelle s’arrête
its streams took too long
= ses flux ont duré trop longtemps
its last stream has ended
= son dernier flux est fini
that session is over
= cette session est finie
the session before is over
= la session d’avant est finie
{} streams of before an update go on
= {} flux d’avant une mise à jour continuent
`;
