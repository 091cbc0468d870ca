#!/usr/bin/perl
# maildkim.pl sign|verify MESSAGE SECONDS KEY.pem DOMAIN SELECTOR TEXT: what `rates` does, by Mail::DKIM.
use strict;
use warnings;
use Mail::DKIM;
use Mail::DKIM::PrivateKey;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;
use Mail::DKIM::DNS;
use Net::DNS;
use Time::HiRes qw(clock);

my ($what, $path, $seconds, $keyfile, $domain, $selector, $text) = @ARGV;
my $message = do { local $/; open my $file, '<:raw', $path or die; <$file> };
my @strings = unpack('(A255)*', $text);
my $record = Net::DNS::RR->new(owner => "$selector._domainkey.$domain", type => 'TXT', txtdata => [@strings]);
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub { return ($record) };
    *Mail::DKIM::DNS::query_async = sub { my ($name, $type, %p) = @_; my $answer = $p{Callbacks}{Success}->($record); return sub { $answer } };
}
my $key = Mail::DKIM::PrivateKey->load(File => $keyfile);

sub once {
    my $dkim = $what eq 'sign'
        ? Mail::DKIM::Signer->new(Algorithm => 'rsa-sha256', Method => 'relaxed/relaxed', Domain => $domain, Selector => $selector, Key => $key)
        : Mail::DKIM::Verifier->new();
    for (my $index = 0; $index < length $message; $index += 65536) { $dkim->PRINT(substr($message, $index, 65536)) }
    $dkim->CLOSE;
    return $what eq 'sign' ? defined $dkim->signature->as_string : $dkim->result eq 'pass';
}

once() or die "the operation fails\n";
my ($begin, $count) = (clock(), 0);
do { once(); $count++ } while (clock() - $begin < $seconds);
printf "%f\n", $count / (clock() - $begin);
